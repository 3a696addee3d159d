import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { readListener, readListenerKey } from '../decode/layout.generated.ts';
import { decodeCString } from '../decode/text.ts';
import { encodeListener } from '../sensor/listener-entry.ts';
import { parseListenLines, readListeners } from './proc-listeners.ts';

const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

describe('parseListenLines', () => {
  it('reads sockets that listen, and no others', () => {
    const text = `${head}   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:A0B2 01 00000000:00000000 00:00000000 00000000  0 0 4712 1 0 20 4 30 10 -1\n`;
    expect(parseListenLines(text)).toEqual([{ address: Buffer.from([127, 0, 0, 1]), port: 8080, inode: '4711' }]);
  });

  it('reads IPv6', () => {
    const text = `${head}   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 9 1\n`;
    const address = Buffer.concat([Buffer.alloc(15), Buffer.from([1])]);
    expect(parseListenLines(text)).toEqual([{ address, port: 80, inode: '9' }]);
  });

  it('passes over what is no such line', () => {
    expect(parseListenLines(`${head}\nrubbish\n 0: zz:0050 0:0 0A\n`)).toEqual([]);
  });
});

describe('readListeners', () => {
  it('finds the process that has the socket open', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as { port: number };
      const found = await readListeners('/proc', [process.pid, 2 ** 22 + 1]);
      expect(found).toContainEqual({
        ...{ address: Buffer.from([127, 0, 0, 1]), port, pid: process.pid },
        ...{ networkNs: Number(statSync('/proc/self/ns/net').ino), inode: expect.stringMatching(/^\d+$/) },
      });
    } finally {
      server.close();
    }
  });
});

describe('encodeListener', () => {
  it('writes what the programs read', () => {
    const { key, value } = encodeListener({
      ...{ networkNs: 7, address: Buffer.from([127, 0, 0, 1]), port: 8080, pid: 42, startKtimeNs: 5n },
      ...{ comm: 'a name that is too long', cgroupId: 9n },
    });
    const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    expect(readListenerKey(viewOf(key), 0)).toMatchObject({ networkNs: 7, port: 8080, family: 2 });
    expect(readListener(viewOf(value), 0)).toMatchObject({
      ...{ sockets: 1, remotes: 0 },
      header: { pid: 42, tid: 42, startKtimeNs: 5n, cgroupId: 9n },
    });
    expect(decodeCString(readListener(viewOf(value), 0).header.comm)).toBe('a name that is ');
  });
});

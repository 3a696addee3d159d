import { describe, expect, it } from 'vitest';
import { decodeTcpState, decodeUnixConnect } from './decode-network.ts';
import {
  layouts,
  TcpOutcome,
  tcpStateRecordBytes,
  UnixConnectFlag,
  unixConnectRecordBytes,
} from './layout.generated.ts';

function viewOf(bytes: number, struct: string, fields: Record<string, number>): DataView {
  const view = new DataView(new ArrayBuffer(bytes));
  for (const [name, value] of Object.entries(fields)) {
    const layout = layouts.find((each) => each.name === struct)?.fields.find((each) => each.name === name);
    if (layout === undefined) throw new Error(`no field ${struct}.${name}`);
    view.setUint32(layout.offset, value, true);
  }
  return view;
}

describe('decodeTcpState', () => {
  const state = (fields: Record<string, number>) =>
    decodeTcpState(viewOf(tcpStateRecordBytes, 'tcp_state_record', { family: 2, remote_port: 0x5000, ...fields }), 0);

  it.for([
    [0, 'abandoned'],
    [111, 'refused'],
    [110, 'timed-out'],
    [113, 'unreachable'],
    [101, 'unreachable'],
    [104, 'other'],
  ] as const)('reads errno %d as %s', ([error, failure]) => {
    expect(state({ outcome: TcpOutcome.TCP_OUTCOME_FAILED, error })).toMatchObject({
      ...{ state: 'failed', failure, errorNumber: error, remotePort: 80 },
    });
  });

  it('leaves out the address of a peer that is only counted', () => {
    expect(state({ outcome: TcpOutcome.TCP_OUTCOME_ACCEPTED, remote_port: 0 })).toMatchObject({
      ...{ state: 'accepted', remoteAddress: '', remotePort: 0, failure: '' },
    });
  });

  it('refuses what it does not know', () => {
    expect(() => state({ outcome: 99 })).toThrow(RangeError);
    expect(() => state({ outcome: TcpOutcome.TCP_OUTCOME_FAILED, family: 1 })).toThrow(RangeError);
  });
});

describe('decodeUnixConnect', () => {
  function pathOf(bytes: string, flags: number): string {
    const view = viewOf(unixConnectRecordBytes + bytes.length, 'unix_connect_record', {
      flags,
      path_size: bytes.length,
    });
    new Uint8Array(view.buffer).set(Buffer.from(bytes, 'latin1'), unixConnectRecordBytes);
    return decodeUnixConnect(view, 0, view.byteLength).path;
  }

  it('puts the components of a resolved path in order', () => {
    expect(pathOf('docker.sock\0run\0/\0', UnixConnectFlag.UNIX_CONNECT_RESOLVED)).toBe('/run/docker.sock');
  });

  it('marks the tail of a long path', () => {
    const flags = UnixConnectFlag.UNIX_CONNECT_RESOLVED | UnixConnectFlag.UNIX_CONNECT_TRUNCATED;
    expect(pathOf('a.sock\0deep\0', flags)).toBe('…/deep/a.sock');
  });

  it('writes abstract names as ss does', () => {
    expect(pathOf('shim\0x', UnixConnectFlag.UNIX_CONNECT_ABSTRACT)).toBe('@shim@x');
  });

  it('ends an argument at its NUL', () => {
    expect(pathOf('/run/app.sock\0rest', 0)).toBe('/run/app.sock');
  });

  it('refuses a path that reaches beyond the record', () => {
    const view = viewOf(unixConnectRecordBytes, 'unix_connect_record', { path_size: 1 });
    expect(() => decodeUnixConnect(view, 0, view.byteLength)).toThrow(RangeError);
  });
});

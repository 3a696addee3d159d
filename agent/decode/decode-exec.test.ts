import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { execRecordOf } from '../../test/support/exec-record.ts';
import { decodeRecord } from './decode.ts';
import type { ExecEvent } from './kernel-event.ts';
import {
  ExecFlag,
  execRecordBytes,
  execRecordOffsets as offsets,
  stdioSocketBytes,
  stdioSocketOffsets,
} from './layout.generated.ts';

function decode(view: DataView): ExecEvent {
  return decodeRecord(view, 0, view.byteLength) as ExecEvent;
}

describe('an exec record', () => {
  it('turns components round and keeps empty arguments', () => {
    const parts = { path: 'x\0bin\0opt\0', filename: './x\0', argv: './x\0\0last', cwd: 'tmp\0' };
    expect(decode(execRecordOf(parts))).toMatchObject({
      executable: { path: '/opt/bin/x', layer: 'mount' },
      filename: './x',
      interpreter: '',
      argv: ['./x', '', 'last'],
      cwd: '/tmp',
    });
  });

  it('marks what was cut', () => {
    const fileFlags = ExecFlag.EXEC_PATH_TRUNCATED | ExecFlag.EXEC_ROOT_MOUNT;
    const flags = ExecFlag.EXEC_CWD_TRUNCATED | ExecFlag.EXEC_ARGV_TRUNCATED;
    expect(decode(execRecordOf({ path: 'x\0deep\0', cwd: 'tail\0', fileFlags, flags }))).toMatchObject({
      executable: { path: '…/deep/x', pathTruncated: true, layer: 'unknown' },
      argvTruncated: true,
      cwd: '…/tail',
    });
    // The same bytes that are whole mean something else.
    expect(decode(execRecordOf({ path: 'x\0deep\0', cwd: 'tail\0' }))).toMatchObject({
      executable: { path: '/deep/x', pathTruncated: false },
      argvTruncated: false,
      cwd: '/tail',
    });
  });

  it('names the interpreter of a script', () => {
    const parts = { filename: './run\0', interpreter: '/bin/sh\0', argv: '/bin/sh\0./run\0' };
    expect(decode(execRecordOf(parts))).toMatchObject({ filename: './run', interpreter: '/bin/sh' });
  });

  it('tells before from after, unchanged from unknown', () => {
    const view = execRecordOf({});
    const uidBefore = offsets.privilegesBefore;
    view.setUint32(uidBefore, 1000, true);
    const unchanged = decode(view);
    expect(unchanged.before).toEqual({ credentials: unchanged.credentials, capabilities: unchanged.capabilities });
    view.setUint32(offsets.flags, ExecFlag.EXEC_BEFORE_KNOWN | ExecFlag.EXEC_PRIVILEGES_CHANGED, true);
    expect(decode(view).before?.credentials.uid).toBe(1000);
    expect(decode(view).credentials.uid).toBe(0);
    view.setUint32(offsets.flags, 0, true);
    expect(decode(view).before).toBeUndefined();
  });

  it('gives each unix socket the name of its own other end', () => {
    const view = execRecordOf({ cwd: 'tmp\0', sockets: ['@abstract\0', '', '/run/x.sock\0'] });
    view.setUint32(offsets.stdio + stdioSocketBytes + stdioSocketOffsets.peerPid, 77, true);
    expect(decode(view).stdioSockets).toEqual([
      { fd: 0, family: 'unix', peerAddress: '@abstract', peerPort: 0, peerPid: 0 },
      { fd: 1, family: 'unix', peerAddress: '', peerPort: 0, peerPid: 77 },
      { fd: 2, family: 'unix', peerAddress: '/run/x.sock', peerPort: 0, peerPid: 0 },
    ]);
  });

  it('tells nobody logged in from root logged in', () => {
    const view = execRecordOf({});
    expect(decode(view).loginUid).toBe(0);
    view.setUint32(offsets.loginUid, 0xffff_ffff, true);
    expect(decode(view).loginUid).toBeUndefined();
  });

  it('names pseudo-terminals as they are named in /dev', () => {
    const view = execRecordOf({});
    for (const [name, expected] of [
      ['pts12', 'pts/12'],
      ['ttyS0', 'ttyS0'],
      ['', ''],
    ] as const) {
      new Uint8Array(view.buffer, offsets.tty, 16).fill(0).set(Buffer.from(name));
      expect(decode(view).tty).toBe(expected);
    }
  });

  it('shares what records repeat, and only that', () => {
    const parts = { path: 'x\0bin\0', filename: 'x\0', argv: 'x\0-l\0' };
    const first = decode(execRecordOf(parts));
    const again = decode(execRecordOf(parts));
    const other = decode(execRecordOf({ ...parts, argv: 'x\0-L\0' }));
    expect(again.executable).toBe(first.executable);
    expect(again.capabilities).toBe(first.capabilities);
    expect(again.argv).toBe(first.argv);
    expect(other.argv).toEqual(['x', '-L']);
    expect(other.executable).toBe(first.executable);
  });
});

describe('an exec record that is damaged', () => {
  const sizes = ['pathSize', 'filenameSize', 'interpreterSize', 'argvSize', 'cwdSize'] as const;

  it.each(sizes)('is refused when its %s does not add up', (field) => {
    for (const wrong of [1, 4000, 0xffff_ffff]) {
      const view = execRecordOf({ path: 'a\0', filename: 'b\0', interpreter: 'c\0', argv: 'd\0', cwd: 'e\0' });
      view.setUint32(offsets[field], wrong, true);
      expect(() => decode(view)).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }));
    }
  });

  /** Any bytes for the struct, and string sizes that may or may not add up. */
  const damaged = fc
    .record({
      struct: fc.uint8Array({ minLength: execRecordBytes, maxLength: execRecordBytes }),
      strings: fc.uint8Array({ maxLength: 600 }),
      cuts: fc.array(fc.nat(600), { minLength: 7, maxLength: 7 }),
      adds: fc.boolean(),
    })
    .map(({ struct, strings, cuts, adds }) => {
      const view = new DataView(new ArrayBuffer(execRecordBytes + strings.length));
      new Uint8Array(view.buffer).set(struct);
      new Uint8Array(view.buffer, execRecordBytes).set(strings);
      view.setUint32(0, 1, true);
      view.setUint32(4, view.byteLength, true);
      const ends = cuts.map((cut) => Math.min(cut, strings.length)).sort((a, b) => a - b);
      const parts = [...ends, strings.length].map((end, index) => end - (ends[index - 1] ?? 0));
      const sizeFields = sizes.map((field) => offsets[field]);
      const socketFields = [0, 1, 2].map(
        (fd) => offsets.stdio + fd * stdioSocketBytes + stdioSocketOffsets.peerNameSize,
      );
      for (const fd of [0, 1, 2]) view.setUint32(offsets.stdio + fd * stdioSocketBytes, 1, true);
      for (const [index, at] of [...sizeFields, ...socketFields].entries())
        view.setUint32(at, adds ? (parts[index] ?? 0) : (cuts[index % cuts.length] ?? 0), true);
      return view;
    });

  it('gives an event or RECORD_INVALID, and never a byte of its neighbours', () => {
    fc.assert(
      fc.property(damaged, fc.nat(7), (view, gap) => {
        const outcomes = [0x41, 0x42].map((filler) => {
          const around = new Uint8Array(view.byteLength + 64 + gap).fill(filler);
          around.set(new Uint8Array(view.buffer), 32 + gap);
          try {
            return decodeRecord(new DataView(around.buffer, 16), 16 + gap, view.byteLength);
          } catch (error) {
            expect(error).toMatchObject({ code: 'RECORD_INVALID' });
            return 'refused';
          }
        });
        expect(outcomes[0]).toEqual(outcomes[1]);
      }),
      { numRuns: 2000 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecord } from './decode.ts';
import {
  capabilityRecordBytes,
  connectRecordBytes,
  ExecFlag,
  execRecordBytes,
  layouts,
  RecordType,
} from './layout.generated.ts';

/** Offset of a field of a record, from the generated layout. */
function offsetOf(struct: string, field: string): number {
  const found = layouts.find((layout) => layout.name === struct)?.fields.find((each) => each.name === field);
  if (found === undefined) throw new Error(`no field ${struct}.${field}`);
  return found.offset;
}

function header(type: number, size: number): DataView {
  const view = new DataView(new ArrayBuffer(size));
  view.setUint32(0, type, true);
  view.setUint32(4, size, true);
  return view;
}

function execRecord(strings: { path?: string; filename?: string; argv?: string; cwd?: string }, flags = 0): DataView {
  const parts = (['path', 'filename', 'argv', 'cwd'] as const).map((name) =>
    Buffer.from(strings[name] ?? '', 'latin1'),
  );
  const bytes = Buffer.concat(parts);
  const view = header(RecordType.RECORD_EXEC, execRecordBytes + bytes.length);
  ['path_size', 'filename_size', 'argv_size', 'cwd_size'].forEach((field, index) => {
    view.setUint32(offsetOf('exec_record', field), parts[index]?.length ?? 0, true);
  });
  view.setUint32(offsetOf('exec_record', 'flags'), flags, true);
  new Uint8Array(view.buffer, execRecordBytes).set(bytes);
  return view;
}

describe('an exec record', () => {
  it('turns components round and keeps empty arguments', () => {
    const view = execRecord({ path: 'x\0bin\0opt\0', filename: './x\0', argv: './x\0\0last', cwd: 'tmp\0' });
    expect(decodeRecord(view, 0, view.byteLength)).toMatchObject({
      executable: { path: '/opt/bin/x', layer: 'mount' },
      filename: './x',
      argv: ['./x', '', 'last'],
      cwd: '/tmp',
    });
  });

  it('marks a path that was cut', () => {
    const view = execRecord({ path: 'x\0deep\0' }, ExecFlag.EXEC_PATH_TRUNCATED | ExecFlag.EXEC_ROOT_MOUNT);
    expect(decodeRecord(view, 0, view.byteLength)).toMatchObject({
      executable: { path: '…/deep/x', pathTruncated: true, layer: 'unknown' },
      cwd: '/',
    });
  });

  it('is refused when its strings do not add up', () => {
    const view = execRecord({ filename: './x\0' });
    view.setUint32(offsetOf('exec_record', 'argv_size'), 4000, true);
    expect(() => decodeRecord(view, 0, view.byteLength)).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }));
  });
});

describe('records that are none', () => {
  it('are refused with what was expected', () => {
    const cases: [DataView, number, RegExp][] = [
      [header(RecordType.RECORD_FORK, 72), 20, /shorter than its header/],
      [header(77, 72), 72, /type 77 is not known/],
      [
        header(RecordType.RECORD_CAPABILITY, capabilityRecordBytes),
        capabilityRecordBytes - 4,
        new RegExp(`says it has ${capabilityRecordBytes} bytes`),
      ],
      [header(RecordType.RECORD_CONNECT, connectRecordBytes), connectRecordBytes, /contradicts itself/],
    ];
    for (const [view, available, message] of cases) {
      expect(() => decodeRecord(view, 0, available)).toThrow(
        expect.objectContaining({ code: 'RECORD_INVALID', message: expect.stringMatching(message) }),
      );
    }
  });

  it('never crash the decoder: any bytes give an event or RECORD_INVALID', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 700 }), fc.integer({ min: 0, max: 10 }), (bytes, type) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        if (bytes.length >= 8) {
          view.setUint32(0, type, true);
          view.setUint32(4, bytes.length, true);
        }
        try {
          expect(decodeRecord(view, 0, bytes.length).kind).toBeTypeOf('string');
        } catch (error) {
          expect(error).toMatchObject({ code: 'RECORD_INVALID' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

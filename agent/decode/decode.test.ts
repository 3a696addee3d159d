import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecord } from './decode.ts';
import {
  capabilityRecordBytes,
  connectRecordBytes,
  exitRecordBytes,
  exitRecordOffsets,
  RecordType,
} from './layout.generated.ts';

function header(type: number, size: number): DataView {
  const view = new DataView(new ArrayBuffer(size));
  view.setUint32(0, type, true);
  view.setUint32(4, size, true);
  return view;
}

describe('an exit record', () => {
  it.each([
    [0x0700, { exitCode: 7, exitSignal: 0, coreDumped: false }],
    [0x0009, { exitCode: 0, exitSignal: 9, coreDumped: false }],
    [0x008b, { exitCode: 0, exitSignal: 11, coreDumped: true }],
  ])('says how the process ended: status %i', (status, expected) => {
    const view = header(RecordType.RECORD_EXIT, exitRecordBytes);
    view.setUint32(exitRecordOffsets.status, status, true);
    expect(decodeRecord(view, 0, view.byteLength)).toMatchObject(expected);
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

  it('are refused, and nothing else is thrown, whatever the bytes are', () => {
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

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFanotify, type FanotifyEvent } from './decode-fanotify.ts';
import { Fan } from './fanotify.ts';

const fsid = Buffer.from('0102030405060708', 'hex');

/** An information record as the kernel writes it: header, file system id, handle, name, padding to 4 bytes. */
function info(type: number, handle: string, name?: string): Buffer {
  const bytes = Buffer.from(handle, 'hex');
  const header = Buffer.alloc(8);
  header.writeUInt32LE(bytes.length, 0);
  header.writeInt32LE(0xf8, 4);
  const body = Buffer.concat([fsid, header, bytes, Buffer.from(name === undefined ? '' : `${name}\0`)]);
  const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
  const start = Buffer.alloc(4);
  start.writeUInt8(type, 0);
  start.writeUInt16LE(padded.length + 4, 2);
  return Buffer.concat([start, padded]);
}

function event(mask: number, pid: number, ...infos: Buffer[]): Buffer {
  const metadata = Buffer.alloc(24);
  const body = Buffer.concat(infos);
  metadata.writeUInt32LE(24 + body.length, 0);
  metadata.writeUInt8(3, 4);
  metadata.writeUInt16LE(24, 6);
  metadata.writeUInt32LE(mask, 8);
  metadata.writeInt32LE(-1, 16);
  metadata.writeInt32LE(pid, 20);
  return Buffer.concat([metadata, body]);
}

function decode(batch: Buffer): FanotifyEvent[] {
  const events: FanotifyEvent[] = [];
  decodeFanotify(batch, (each) => events.push(each));
  return events;
}

const identity = (handle: string): string =>
  `0102030405060708${(handle.length / 2).toString(16).padStart(2, '0')}000000f8000000${handle}`;

describe('decodeFanotify', () => {
  it('reads directory, name and file of several events', () => {
    const batch = Buffer.concat([
      event(Fan.open | Fan.access, 17, info(2, 'aabb', 'shadow'), info(1, 'cc')),
      event(Fan.rename, 18, info(10, 'aabb', 'old'), info(12, 'dd', 'new name')),
      event(Fan.overflow, 0),
    ]);
    const none = { fd: -1, file: '', directory: '', name: '', oldDirectory: '', oldName: '' };
    expect(decode(batch)).toEqual([
      { ...none, mask: 0x21, pid: 17, directory: identity('aabb'), name: 'shadow', file: identity('cc') },
      {
        ...{ ...none, mask: Fan.rename, pid: 18, oldDirectory: identity('aabb'), oldName: 'old' },
        ...{ directory: identity('dd'), name: 'new name' },
      },
      { ...none, mask: Fan.overflow, pid: 0 },
    ]);
  });

  it('leaves out information it does not know', () => {
    expect(decode(event(Fan.open, 1, Buffer.from([4, 0, 8, 0, 9, 0, 0, 0]), info(1, 'cc')))[0]?.file).toBe(
      identity('cc'),
    );
  });

  it('refuses what contradicts itself, and keeps the events before', () => {
    const good = event(Fan.open, 1, info(1, 'cc'));
    const cases: [string, (batch: Buffer) => void][] = [
      ['longer than the batch', (batch) => batch.writeUInt32LE(9999, 0)],
      ['another version', (batch) => batch.writeUInt8(2, 4)],
      ['a header beyond its end', (batch) => batch.writeUInt16LE(900, 6)],
      ['an information record of no length', (batch) => batch.writeUInt16LE(0, 26)],
      ['an information record beyond its event', (batch) => batch.writeUInt16LE(900, 26)],
      ['a handle beyond its record', (batch) => batch.writeUInt32LE(0xffff_ffff, 36)],
    ];
    for (const [what, damage] of cases) {
      const bad = Buffer.from(good);
      damage(bad);
      const events: FanotifyEvent[] = [];
      expect(() => decodeFanotify(Buffer.concat([good, bad]), (each) => events.push(each)), what).toThrow(
        expect.objectContaining({ code: 'FANOTIFY_INVALID' }),
      );
      expect(events, what).toHaveLength(1);
    }
  });

  it('never reads beyond a batch, and never loops, whatever the bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 400 });
    const nearlyGood = fc.tuple(fc.uint8Array({ maxLength: 60 }), fc.nat(), fc.nat(255)).map(([more, at, byte]) => {
      const batch = Buffer.concat([event(Fan.create, 7, info(2, 'aabb', 'x')), Buffer.from(more)]);
      batch[at % batch.length] = byte;
      return batch;
    });
    fc.assert(
      fc.property(fc.oneof(bytes, nearlyGood), (input) => {
        try {
          for (const each of decode(Buffer.from(input))) expect(each.name.length).toBeLessThanOrEqual(input.length);
        } catch (error) {
          expect(error).toMatchObject({ code: 'FANOTIFY_INVALID' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

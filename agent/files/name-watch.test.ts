import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FanotifyEvent } from './decode-fanotify.ts';
import { Fan } from './fanotify.ts';
import { decodeInotify } from './name-watch.ts';
import { cgroupMounts } from './node-places.ts';

function record(watch: number, mask: number, cookie: number, name: string): Buffer {
  const text = Buffer.alloc(Math.ceil((name.length + 1) / 16) * 16);
  text.write(name);
  const header = Buffer.alloc(16);
  header.writeInt32LE(watch, 0);
  header.writeUInt32LE(mask, 4);
  header.writeUInt32LE(cookie, 8);
  header.writeUInt32LE(text.length, 12);
  return Buffer.concat([header, text]);
}

function decode(batch: Buffer): FanotifyEvent[] {
  const events: FanotifyEvent[] = [];
  decodeInotify(
    batch,
    (watch) => (watch > 0 ? `d${watch}` : undefined),
    (event) => events.push(event),
  );
  return events;
}

describe('decodeInotify', () => {
  it('joins the halves of a rename, and tells one half of a move out of or into what is watched', () => {
    const batch = Buffer.concat([
      record(1, 0x100, 0, 'made'),
      record(1, 0x40, 7, 'old'),
      record(2, 0x80, 7, 'new'),
      record(1, 0x40, 8, 'gone'),
      record(2, 0x80, 9, 'came'),
      record(-1, Fan.overflow, 0, ''),
    ]);
    const none = { fd: -1, pid: 0, file: '', directory: '', name: '', oldDirectory: '', oldName: '' };
    expect(decode(batch)).toEqual([
      { ...none, mask: Fan.create, directory: 'd1', name: 'made' },
      { ...none, mask: Fan.rename, directory: 'd2', name: 'new', oldDirectory: 'd1', oldName: 'old' },
      { ...none, mask: Fan.rename, directory: 'd2', name: 'came' },
      { ...none, mask: Fan.overflow },
      { ...none, mask: Fan.rename, oldDirectory: 'd1', oldName: 'gone' },
    ]);
  });

  it('refuses what is cut off, and never reads beyond a batch', () => {
    expect(() => decode(record(1, 0x100, 0, 'made').subarray(0, 20))).toThrow(/cut off/);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decode(Buffer.from(bytes));
        } catch (error) {
          expect(error).toMatchObject({ code: 'FANOTIFY_INVALID' });
        }
      }),
    );
  });
});

it('finds the roots of cgroup v1 hierarchies', () => {
  const mountinfo = [
    '31 23 0:26 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw',
    '32 23 0:27 / /sys/fs/cgroup/rdma rw shared:10 - cgroup cgroup rw,rdma',
    '33 23 0:28 /docker/x /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids',
    'broken',
  ].join('\n');
  expect(cgroupMounts(mountinfo)).toEqual(['/sys/fs/cgroup/rdma']);
});

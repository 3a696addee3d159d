import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseOverlayRoot, readOverlayRoot } from './overlay.ts';

const overlay2 = '/var/lib/docker/overlay2';
const docker = `73 49 0:39 / / rw,relatime master:2 - overlay overlay rw,lowerdir=${overlay2}/l/2RHT:${overlay2}/l/GECB,upperdir=${overlay2}/fd87/diff,workdir=${overlay2}/fd87/work
74 73 0:42 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
75 73 0:43 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755`;

function overlay(options: string, optional = ''): string {
  return `1 2 0:39 / / rw,relatime ${optional}- overlay overlay ${options}`;
}

describe('parseOverlayRoot', () => {
  it('reads a docker container', () => {
    expect(parseOverlayRoot(docker)).toEqual({
      state: 'overlay',
      lowerDirectories: [`${overlay2}/l/2RHT`, `${overlay2}/l/GECB`],
      upperDirectory: `${overlay2}/fd87/diff`,
      workDirectory: `${overlay2}/fd87/work`,
      relative: false,
    });
  });

  const cases: [string, string, object][] = [
    [
      'containerd, paths relative to the snapshots',
      overlay('rw,lowerdir=112/fs:111/fs,upperdir=113/fs,workdir=113/work,index=off'),
      { lowerDirectories: ['112/fs', '111/fs'], relative: true },
    ],
    [
      'layers added one by one',
      overlay('rw,lowerdir+=/a,lowerdir+=/b,datadir+=/c,upperdir=/u,workdir=/w'),
      { lowerDirectories: ['/a', '/b', '/c'], relative: false },
    ],
    [
      'data-only layers',
      overlay('ro,lowerdir=/a:/b::/data'),
      { lowerDirectories: ['/a', '/b', '/data'], upperDirectory: '' },
    ],
    [
      'many propagation fields',
      overlay('rw,lowerdir=/a,upperdir=/u,workdir=/w', 'shared:1 master:2 propagate_from:3 '),
      { upperDirectory: '/u' },
    ],
    [
      'blanks, commas and bytes of UTF-8',
      overlay('rw,lowerdir=/a\\040b:/c\\054d,upperdir=/\\303\\274,workdir=/w'),
      { lowerDirectories: ['/a b', '/c,d'], upperDirectory: '/ü' },
    ],
    [
      'a colon in a path',
      overlay('rw,lowerdir=/a\\134:b:/c,upperdir=/u,workdir=/w'),
      { lowerDirectories: ['/a:b', '/c'] },
    ],
    [
      'an overlay on top of another root',
      `${overlay('rw,lowerdir=/old').replace('overlay overlay', 'ext4 /dev/vda')}\n${overlay('rw,lowerdir=/new')}`,
      { lowerDirectories: ['/new'] },
    ],
  ];
  it.each(cases)('reads %s', (_name, text, expected) => {
    expect(parseOverlayRoot(text)).toMatchObject({ state: 'overlay', ...expected });
  });

  it('tells a root that is no overlay', () => {
    expect(parseOverlayRoot('1 2 8:1 / / rw - btrfs /dev/sda1 rw,subvol=/x')).toEqual({
      state: 'not-overlay',
      filesystemType: 'btrfs',
    });
  });

  it.each([
    '',
    'garbage',
    '1 2 3 / / rw',
    '1 2 3 / / rw -',
    overlay('rw,upperdir=/u'),
    overlay(`rw,lowerdir=${'/x:'.repeat(600)}`),
    docker.replace(' / / ', ' / /mnt '),
  ])('does not guess from malformed text (%#)', (text) => {
    expect(parseOverlayRoot(text)).toMatchObject({ state: 'unknown', reason: expect.stringMatching(/./) });
  });
});

describe('readOverlayRoot', () => {
  it('reads the file of a process, and says why it cannot', async () => {
    const procRoot = mkdtempSync(join(tmpdir(), 'tallyman-mountinfo-'));
    mkdirSync(join(procRoot, '7'));
    writeFileSync(join(procRoot, '7/mountinfo'), `${docker}\n`);
    expect(await readOverlayRoot(procRoot, 7)).toMatchObject({ state: 'overlay' });
    expect(await readOverlayRoot(procRoot, 8)).toMatchObject({
      state: 'unknown',
      reason: expect.stringContaining('ENOENT'),
    });
    rmSync(procRoot, { recursive: true });
  });
});

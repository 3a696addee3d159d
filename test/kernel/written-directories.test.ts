import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOverlayRoot } from '../../agent/container/overlay.ts';
import { scanRoot } from '../../agent/privileges/root-scan.ts';
import { buildTestImage, docker, type RunOptions, runContainer, type TestContainer } from '../support/docker.ts';

const base = 'tallyman-test-written-base:latest';
const image = 'tallyman-test-written:latest';
const signal = new AbortController().signal;
let containers: TestContainer[] = [];

/** An image of two layers. */
beforeAll(async () => {
  await buildTestImage(base);
  const script =
    'mkdir -p /mnt/lock/deep /opt/app; chown 33 /mnt/lock; chmod 1770 /mnt/lock; echo x >/opt/app/program; mkdir /opt/app/data';
  const container = await runContainer({ image: base, command: ['sh', '-c', script] });
  await container.wait();
  await docker.getContainer(container.id).commit({ repo: image.split(':')[0], tag: 'latest' });
  await container.remove();
});

afterAll(async () => {
  for (const container of containers) await container.remove();
  for (const name of [image, base]) await docker.getImage(name).remove({ force: true });
});

/** What a container has written by the time that its script sleeps. */
async function writtenBy(script: string, options: Partial<RunOptions> = {}, change: object = {}) {
  const command = ['sh', '-c', `sleep 0.5; ${script}; echo done; exec sleep 300`];
  const container = await runContainer({ image, command, ...options });
  containers = [...containers, container];
  while (!(await container.logs()).includes('done')) await new Promise((resolve) => setTimeout(resolve, 20));
  const { State } = await docker.getContainer(container.id).inspect();
  const root = await readOverlayRoot('/proc', State.Pid);
  // Which is soon after the first exec, from which the agent has it.
  const setUpUntilMs = Date.parse(State.StartedAt);
  const facts = await scanRoot('/proc', root, { setUpUntilMs, signal, ...change });
  const scan = facts.find((fact) => fact.$case === 'rootScanned')?.value;
  const directories = Object.fromEntries(
    facts.flatMap((fact) =>
      fact.$case === 'writtenDirectory' ? [[fact.value.directory?.path ?? '', fact.value]] : [],
    ),
  );
  return { scan, directories };
}

describe('what a container wrote to its root', () => {
  it('is nothing for one that writes nothing', async () => {
    const { scan, directories } = await writtenBy('cat /etc/passwd >/dev/null');
    expect(scan).toEqual({ root: 'overlay', complete: true, reason: '' });
    expect(directories).toEqual({});
  });

  it('is told by the directory of the image it is in, with its owners, also when it is gone again', async () => {
    const { scan, directories } = await writtenBy(
      [
        'echo x >/tmp/file; mkdir -p /tmp/new/deep; echo x >/tmp/new/deep/file; chown 33 /tmp/file',
        'echo x >>/etc/passwd',
        'echo x >/mnt/gone; rm /mnt/gone',
        'rm /opt/app/program',
      ].join('; '),
      { tmpfs: { '/run': '' } },
    );
    expect(scan).toMatchObject({ complete: true });
    expect(directories).toMatchObject({
      '/tmp': { hidesFiles: false, hiddenDirectories: [], ownerUids: [0, 33], large: false },
      '/etc': { hidesFiles: true, example: 'passwd' },
      '/mnt': {
        hidesFiles: false,
        hiddenDirectories: [
          { path: '/mnt/lock', uid: 33, mode: 0o1770 },
          { path: '/mnt/lock/deep', uid: 0 },
        ],
        ownerUids: [],
        example: '',
      },
      '/opt/app': { hidesFiles: true, example: 'program' },
    });
    expect(Object.keys(directories)).toHaveLength(4);
  });

  it('is told of the directory in which a new one was made', async () => {
    const { directories } = await writtenBy('mkdir /data; echo x >/data/file');
    expect(directories).toMatchObject({ '/': { hidesFiles: true, example: 'data/' } });
  });

  it('never leaves the layer by links, whatever names there are', async () => {
    const { scan, directories } = await writtenBy(
      'ln -s /etc /tmp/link; ln -s ../../../../../../etc /tmp/up; echo x >"/tmp/$(printf \'a\\nb\\033[31m\')"',
    );
    expect(scan).toMatchObject({ complete: true });
    expect(Object.keys(directories)).toEqual(['/tmp']);
  });

  it('says that it is not all where a bound is reached', async () => {
    const files = 'for n in $(seq 60); do echo x >/tmp/$n; done';
    expect((await writtenBy(files, {}, { maxEntries: 50 })).scan).toEqual({
      ...{ root: 'overlay', complete: false },
      reason: 'it holds more than 50 files',
    });
    const deep = 'cd /tmp; for n in $(seq 80); do mkdir d; cd d; done';
    expect((await writtenBy(deep)).scan).toMatchObject({ complete: false, reason: expect.stringContaining('deep') });
  });
});

describe('a root that cannot be looked through', () => {
  it('is told as what it is', async () => {
    const elsewhere = { workDirectory: '', relative: false, lowerDirectories: ['/usr'] };
    const cases = [
      [{ state: 'not-overlay', filesystemType: 'btrfs' }, 'not-overlay'],
      [{ state: 'unknown', reason: 'gone' }, 'unknown'],
      // What one that may mount could put before its own root.
      [{ state: 'overlay', upperDirectory: '/etc', ...elsewhere }, 'unknown'],
      [{ state: 'overlay', upperDirectory: '/var/lib/docker/overlay2/none/diff', ...elsewhere }, 'overlay'],
    ] as const;
    for (const [root, word] of cases) {
      const [fact] = await scanRoot('/proc', root as never, { setUpUntilMs: 0, signal });
      expect(fact).toMatchObject({ value: { root: word, complete: false, reason: expect.stringMatching(/./) } });
    }
  });
});

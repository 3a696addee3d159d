import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Container } from '../../agent/container/container.ts';
import { DockerRuntime } from '../../agent/container/docker.ts';
import { readOverlayRoot } from '../../agent/container/overlay.ts';
import { hostSocketProbe } from '../../agent/container/runtime-sockets.ts';
import type { AttributedEvent } from '../../agent/detect/attributed-event.ts';
import { createProcessTree } from '../../agent/process/process-tree.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { type AttributionLab, startAttribution } from '../support/attribution-lab.ts';
import { buildImage, cgroupRoot, cleanUp, docker, image, run, until, watched } from '../support/docker-directory.ts';

beforeAll(() => buildImage());
afterAll(cleanUp);

describe('a container that ran before', () => {
  it('seeds the process tree and finds the overlay of a running container', async () => {
    const before = await run(image, 'sleep', '600');
    const { directory } = watched();
    await directory.start();
    const metrics = new Metrics('agent');
    const tree = createProcessTree({
      ...{ bootId: '0123456789', logger: silentLogger, metrics, maxProcesses: 1000, procRoot: '/proc' },
    });
    const container = directory.get(before) as Container;
    await docker('exec', '-d', before, '/bin/sh', '-c', 'sleep 601; true');
    await until('the exec session', async () => (await docker('top', before)).includes('sleep 601'));
    expect(await tree.seed(before, join(cgroupRoot, container.cgroupPath))).toBe(3);
    expect(await tree.seed(before, join(cgroupRoot, container.cgroupPath))).toBe(0);
    const top = (await docker('top', before, '-eo', 'pid,args')).split('\n').slice(1);
    const pids = top.map((line) => line.trim().split(/\s+/));
    const sleeper = Number(pids.find((line) => line.at(-1) === '601' && line[1] === 'sleep')?.[0]);
    const ticks = Number(execFileSync('cut', ['-d', ' ', '-f22', `/proc/${sleeper}/stat`], { encoding: 'utf8' }));
    // As the kernel would tell it: the same tick, to the nanosecond.
    const execution = tree.find(sleeper, BigInt(ticks) * 10_000_000n + 1_234_567n);
    expect(execution).toMatchObject({
      argv: ['sleep', '601'],
      observed: false,
      entry: 'internal',
      containerId: before,
    });
    expect(execution?.parent).toMatchObject({ entry: 'exec-session', parent: undefined, parentMissing: false });
    expect(execution?.parent?.argv).toEqual(['/bin/sh', '-c', 'sleep 601; true']);
    const root = await readOverlayRoot('/proc', container.initPid);
    expect(root).toMatchObject({ state: 'overlay', relative: false });
    if (root.state === 'overlay')
      expect(existsSync(join(root.lowerDirectories.at(-1) as string, 'bin/busybox'))).toBe(true);
    await directory.close();
    await docker('rm', '-f', before);
  });
});

describe('attribution of what a real kernel and a real Docker tell', () => {
  let lab: AttributionLab;

  beforeAll(async () => {
    lab = await startAttribution((parts) => [new DockerRuntime({ ...parts, probe: hostSocketProbe('/proc') })]);
  });

  afterAll(() => lab.close());

  const execsOf = (id: string): AttributedEvent[] => lab.execsOf(id);

  it('names container, image and process chain of programs that run for 50 ms', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push(await run('--rm', image, 'sh', '-c', 'sleep 0.05; true'));
    for (const id of ids) {
      const execs = await until('both programs', () => execsOf(id).length === 2 && execsOf(id));
      for (const { attribution, missing, container } of execs) {
        expect(missing).toEqual([]);
        expect(['complete', 'late']).toContain(attribution);
        expect(container.image).toMatchObject({ reference: image, configDigest: expect.stringMatching(/^sha256:/) });
        expect(container.posture?.unknownFields).toEqual([]);
        expect(container.cgroupPath).toBe(`/docker/${id}`);
      }
      const [shell, sleep] = execs.map(({ execution }) => execution);
      expect(shell).toMatchObject({ entry: 'container-init', containerPid: 1, parent: undefined, containerId: id });
      expect(sleep).toMatchObject({ entry: 'internal', argv: ['sleep', '0.05'], parent: { pid: shell?.pid } });
      expect(sleep?.parent).toBe(shell);
      await until('both ends', () => lab.ended.includes(shell as never) && lab.ended.includes(sleep as never));
      expect(shell).toMatchObject({ exitCode: 0, exitSignal: 0 });
    }
  });

  it('tells a session that is put into a container from its first program', async () => {
    const id = await run(image, 'sleep', '600');
    await docker('exec', id, 'sh', '-c', 'true; sleep 0');
    const execs = await until('the programs', () => execsOf(id).length >= 3 && execsOf(id));
    expect(execs.map(({ execution }) => execution?.entry)).toEqual(['container-init', 'exec-session', 'internal']);
    expect(execs[2]?.execution?.parent).toBe(execs[1]?.execution);
    await docker('rm', '-f', id);
    const end = await until('the end', () => lab.ended.find((execution) => execution === execs[0]?.execution));
    expect(end).toMatchObject({ exitSignal: 9 });
    expect(lab.attributor.heldCount).toBe(0);
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProcessExecution } from '../../agent/process/process.ts';
import { buildTestImage, docker, runContainer, type TestContainer } from '../support/docker.ts';
import { initOf, WatchedNode } from '../support/watched-node.ts';

const image = 'tallyman-test-heal:latest';
const containers: TestContainer[] = [];

beforeAll(() => buildTestImage(image));
afterAll(async () => {
  await Promise.all(containers.map((container) => container.remove()));
  await docker.getImage(image).remove();
});

async function start(command: string[]): Promise<TestContainer> {
  const container = await runContainer({ command, image });
  containers.push(container);
  return container;
}

/** The programs that run in a container as a node's tree knows them, by their last argument. */
async function programsOf(node: WatchedNode, containerId: string): Promise<Map<string, ProcessExecution>> {
  const { cgroupId } = await initOf(containerId);
  const programs = new Map<string, ProcessExecution>();
  for (const task of await node.tasks()) {
    const execution = node.tree.find(task.pid, task.startKtimeNs);
    if (task.cgroupId === cgroupId && execution !== undefined) programs.set(execution.argv.at(-1) ?? '', execution);
  }
  return programs;
}

describe('an agent that starts when containers run already', () => {
  it('gives every process the identity it had before the restart', async () => {
    const before = new WatchedNode({ intervalMs: 0 });
    await before.start();
    const container = await start(['/bin/sh', '-c', 'sh -c "sleep 601; true" & (sleep 602; true) & exec sleep 600']);
    const { pid } = await initOf(container.id);
    await container.exec(['/bin/sh', '-c', 'sleep 603 & :']);
    await expect.poll(async () => (await programsOf(before, container.id)).has('603')).toBe(true);
    const seen = await programsOf(before, container.id);
    await before.close();

    const after = new WatchedNode({ intervalMs: 0 });
    try {
      expect(await after.start()).toBeGreaterThanOrEqual(6);
      const seeded = await programsOf(after, container.id);
      expect([...seeded.keys()].sort()).toEqual([...seen.keys()].sort());
      for (const [name, execution] of seeded) {
        const former = seen.get(name) as ProcessExecution;
        const { executionId, pid, containerPid, startKtimeNs, execId, argv, cwd, credentials, capabilities } = former;
        expect(execution).toMatchObject({
          executionId,
          pid,
          containerPid,
          startKtimeNs,
          execId,
          argv,
          cwd,
          credentials,
          capabilities,
        });
        expect(execution.executable).toMatchObject({ path: '/bin/busybox', inode: former.executable.inode });
        expect(execution).toMatchObject({ observed: false, containerId: container.id });
      }
      expect(seeded.get('600')).toMatchObject({
        entry: 'container-init',
        parent: undefined,
        parentMissing: false,
        pid,
      });
      expect(seeded.get('601')?.parent).toBe(seeded.get('sleep 601; true'));
      expect(seeded.get('601')?.parent?.parent).toBe(seeded.get('600'));
      // Its session has ended, and the container's init has taken it over.
      expect(seeded.get('603')?.parent).toBe(seeded.get('600'));

      // The programs know them too: what they do from now on is theirs, and not put in from outside.
      await container.exec(['/bin/sh', '-c', 'kill $(pidof sleep) 2>/dev/null || killall sleep; :']);
      await sleep(100);
      const execs = after.attributed.filter(
        ({ event, container: { id } }) => event.kind === 'exec' && id === container.id,
      );
      expect(execs[0]?.execution).toMatchObject({ entry: 'exec-session', observed: true });
      expect(await after.counter('processes_missed_total{what="process"}')).toBe(0);
    } finally {
      await after.close();
    }
  });
});

describe('after a loss of records', () => {
  it('enters what was missed, ends what has gone, counts both, and says so', async () => {
    const node = new WatchedNode({ intervalMs: 100 });
    await node.start();
    try {
      const container = await start([
        '/bin/sh',
        '-c',
        'sleep 700 & while :; do sleep 0.1; [ -e /tmp/go ] && break; done; sleep 701 & exec sleep 702',
      ]);
      await expect.poll(async () => (await programsOf(node, container.id)).has('700')).toBe(true);
      const sleeper = (await programsOf(node, container.id)).get('700') as ProcessExecution;
      node.deaf = true;
      await container.exec(['/bin/sh', '-c', 'true > /tmp/go']);
      process.kill(sleeper.pid, 'SIGKILL');
      await sleep(300);
      node.deaf = false;

      await expect.poll(async () => [...(await programsOf(node, container.id)).keys()].sort()).toEqual(['701', '702']);
      const programs = await programsOf(node, container.id);
      expect(programs.get('701')).toMatchObject({ observed: false, entry: 'internal', containerId: container.id });
      expect(programs.get('702')).toMatchObject({ observed: false, entry: 'internal' });
      expect(programs.get('702')?.parent).toMatchObject({ entry: 'container-init', containerPid: 1 });
      await expect.poll(() => node.ended.includes(sleeper)).toBe(true);
      expect(sleeper).toMatchObject({ exitCode: undefined, exitSignal: undefined });
      expect(sleeper.endKtimeNs).toBeGreaterThan(sleeper.execKtimeNs);
      expect(node.changesOf(container.id).filter(({ change }) => change === 'process-unseen')).toMatchObject([
        { execution: programs.get('701') },
      ]);
      expect(node.changesOf(container.id).filter(({ change }) => change === 'privileges-grown')).toEqual([]);
      expect(await node.counter('processes_missed_total{what="process"}')).toBe(1);
      expect(await node.counter('processes_missed_total{what="exec"}')).toBe(1);
      expect(await node.counter('processes_missed_total{what="exit"}')).toBeGreaterThanOrEqual(1);
    } finally {
      await node.close();
    }
  });

  it('is not misled by processes that are there only for a moment', async () => {
    const node = new WatchedNode({ intervalMs: 100 });
    await node.start();
    try {
      const container = await start(['/bin/actor', 'execs', '1500', '/bin/true']);
      await container.wait();
      await sleep(400);
      expect(node.changesOf(container.id)).toEqual([]);
      for (const what of ['process', 'exec', 'exit'])
        expect(await node.counter(`processes_missed_total{what="${what}"}`), what).toBe(0);
    } finally {
      await node.close();
    }
  });
});

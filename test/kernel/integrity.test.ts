import { readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SampledTask } from '../../agent/decode/sampled-task.ts';
import { createDetector } from '../../agent/detect/detector.ts';
import type { IntegrityEvent } from '../../agent/integrity/integrity-event.ts';
import { IntegrityMonitor } from '../../agent/integrity/integrity-monitor.ts';
import { readHostNamespaces } from '../../agent/sensor/host-namespaces.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import { buildTestImage, docker, type RunOptions, runContainer, type TestContainer } from '../support/docker.ts';
import { only } from '../support/sensor-session.ts';
import { initOf, WatchedNode } from '../support/watched-node.ts';

/** What is to be seen needs several samples; what is not to be seen gets several. */
const intervalMs = 100;
const severalSamplesMs = 800;

let node: WatchedNode;
const image = 'tallyman-test-integrity:latest';
const containers: TestContainer[] = [];

beforeAll(async () => {
  await buildTestImage(image);
  node = new WatchedNode({ intervalMs });
  await node.start();
});

afterAll(async () => {
  await Promise.all(containers.map((container) => container.remove()));
  await docker.getImage(image).remove();
  await node.close();
});

async function start(command: string[], options: Omit<RunOptions, 'command'> = {}): Promise<TestContainer> {
  const container = await runContainer({ command, image, ...options });
  containers.push(container);
  await expect.poll(async () => await container.logs()).toContain('done');
  return container;
}

type Changes = ReturnType<WatchedNode['changesOf']>;
type NamespaceChange = Extract<Changes[number], { change: 'namespace-changed' }>;

async function changes(container: TestContainer, count: number): Promise<Changes> {
  await expect.poll(() => node.changesOf(container.id).length).toBeGreaterThanOrEqual(count);
  // Told once, however many samples follow.
  await sleep(severalSamplesMs);
  const all = node.changesOf(container.id);
  expect(all).toHaveLength(count);
  return all;
}

async function noChanges(container: TestContainer): Promise<void> {
  await sleep(severalSamplesMs);
  expect(node.changesOf(container.id)).toEqual([]);
}

const unconfined = { securityOpt: ['seccomp=unconfined'] };

function inodeOf(pid: number, namespace: string): number {
  return statSync(`/proc/${pid}/ns/${namespace}`).ino;
}

describe('namespaces', () => {
  it('sees unshare(2), which namespaces, and what they were and are', async () => {
    // An exec record does not tell all of them: the first sample does.
    const command = 'exec /bin/shifter unshare user net uts';
    const container = await start(['/bin/sh', '-c', `sleep 0.5; ${command}`], unconfined);
    // A sample may fall between the change of the user namespace and that of the others.
    const told = (): NamespaceChange[] =>
      node.changesOf(container.id).filter((change): change is NamespaceChange => change.change === 'namespace-changed');
    await expect
      .poll(() =>
        told()
          .flatMap((change) => change.namespaces)
          .sort(),
      )
      .toEqual(['network', 'user', 'uts']);
    for (const change of told())
      expect(change).toMatchObject({
        kind: 'integrity',
        comm: 'shifter',
        seenAt: 'sample',
        hostNamespaces: [],
        execution: { argv: ['/bin/shifter', 'unshare', 'user', 'net', 'uts'], containerPid: 1 },
      });
    const { pid, tid } = told()[0] as NamespaceChange;
    expect(tid).toBe(pid);
    expect(Object.assign({}, ...told().map((change) => change.after))).toEqual({
      network: inodeOf(pid, 'net'),
      user: inodeOf(pid, 'user'),
      uts: inodeOf(pid, 'uts'),
    });
    const before = Object.assign({}, ...told().map((change) => change.before));
    expect(before.user).toBe(statSync('/proc/self/ns/user').ino);
  });

  it('sees a thread that has namespaces of its own', async () => {
    const container = await start(['/bin/shifter', 'thread-unshare', 'net'], { capAdd: ['SYS_ADMIN'], ...unconfined });
    const change = only(await changes(container, 1));
    expect(change).toMatchObject({ change: 'namespace-changed', namespaces: ['network'], hostNamespaces: [] });
    expect(change.tid).not.toBe(change.pid);
  });

  it('sees a process enter the host’s namespace, and still sees it afterwards', async () => {
    const container = await start(['/bin/shifter', 'setns', '/host/2/ns/mnt'], {
      ...{
        capAdd: ['SYS_ADMIN', 'SYS_PTRACE', 'SYS_CHROOT'],
        securityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
      },
      binds: ['/proc:/host:ro'],
    });
    const change = only(await changes(container, 1));
    expect(change).toMatchObject({ change: 'namespace-changed', namespaces: ['mount'], hostNamespaces: ['mount'] });
  });

  it('sees what a process executes in the host’s namespace, and that it is there', async () => {
    const container = await start(['/bin/shifter', 'setns', '/host/2/ns/mnt', '/bin/sh', '-c', 'echo done; sleep 60'], {
      ...{
        capAdd: ['SYS_ADMIN', 'SYS_PTRACE', 'SYS_CHROOT'],
        securityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
      },
      binds: ['/proc:/host:ro'],
    });
    const change = only(await changes(container, 1));
    expect(change).toMatchObject({ change: 'namespace-changed', seenAt: 'exec', hostNamespaces: ['mount'] });
    const execs = node.attributed.filter(
      ({ event, container: { id } }) => event.kind === 'exec' && id === container.id,
    );
    expect(execs.map(({ execution }) => execution?.argv[0])).toEqual(['/bin/shifter', '/bin/sh', 'sleep']);
    expect(execs[1]?.execution).toMatchObject({ entry: 'internal', parentMissing: false });
  });

  it('says nothing of a container that starts, nor of what is put into it', async () => {
    const container = await start(['/bin/shifter', 'wait']);
    await container.exec(['/bin/sh', '-c', 'sleep 0.5; /bin/true']);
    await noChanges(container);
  });
});

describe('tracing', () => {
  it.each([
    ['seize', true],
    ['attach', false],
    ['traceme', false],
  ])('sees %s between processes of one user', async (how, seized) => {
    const container = await start(['/bin/shifter', how], { user: '1000', ...unconfined });
    const change = only(await changes(container, 1));
    expect(change).toMatchObject({
      ...{ change: 'traced', seized, tracerPlace: 'same-container', tracerExecutable: '/bin/shifter', comm: 'shifter' },
      execution: { credentials: { uid: 1000 } },
    });
    if (change.change !== 'traced') throw new Error(change.change);
    const tracer = node.tree.find(change.tracerPid, change.tracerStartKtimeNs);
    expect(tracer).toMatchObject({ argv: ['/bin/shifter', how], entry: 'container-init' });
    expect(change.execution?.parent).toBe(tracer);
  });
});

describe('the executable', () => {
  it('sees that it was deleted', async () => {
    const container = await start(['/bin/sh', '-c', 'cp /bin/shifter /tmp/s; exec /tmp/s unlink-self']);
    const change = only(await changes(container, 1));
    expect(change).toMatchObject({ change: 'executable-deleted', execution: { executable: { path: '/tmp/s' } } });
    expect(readFileSync(`/proc/${change.pid}/comm`, 'utf8')).toBe('s\n');
  });

  it('sees that another file has taken its name', async () => {
    const container = await start(['/bin/sh', '-c', 'cp /bin/shifter /tmp/s; exec /tmp/s wait']);
    await noChanges(container);
    await container.exec(['/bin/sh', '-c', 'cp /bin/actor /tmp/t; mv /tmp/t /tmp/s']);
    expect(only(await changes(container, 1))).toMatchObject({ change: 'executable-deleted' });
  });

  it('says nothing of a program that never had a name', async () => {
    const container = await start(['/bin/actor', 'memfd-exec', '/bin/shifter', 'wait']);
    await noChanges(container);
  });
});

describe('standard descriptors', () => {
  it('sees that they have become sockets', async () => {
    const container = await start(['/bin/shifter', 'stdio-socket']);
    expect(only(await changes(container, 1))).toMatchObject({
      change: 'stdio-socket',
      descriptors: ['stdin', 'stdout'],
    });
  });
});

describe('privileges that grow', () => {
  /**
   * Nothing but a hole in the kernel makes them grow, so the samples are of two real processes, an ordinary user's and
   * root's, and the second one is given the identity of the first.
   */
  it('are found between two samples, and make a finding', async () => {
    const user = await start(['/bin/shifter', 'wait'], { user: '1000:1000' });
    const root = await start(['/bin/shifter', 'wait'], { capAdd: ['SYS_ADMIN'] });
    const before = await sampleOf(user);
    const after = await sampleOf(root);
    const found: IntegrityEvent[] = [];
    const monitor = new IntegrityMonitor({
      surroundings: { hostNamespaces: readHostNamespaces('/proc'), executablePath: () => '' },
      onChange: (event) => found.push(event),
      maxProcesses: 10,
    });
    monitor.adopt(before, 1);
    expect(monitor.compare(before, 1n)).toBe('compared');
    expect(found).toEqual([]);
    const { pid, tid, startKtimeNs, cgroupId, execId, namespaces, executable } = before;
    const exploited = { ...after, pid, tid, startKtimeNs, cgroupId, execId, namespaces, executable };
    monitor.compare(exploited, 2n);
    monitor.compare({ ...exploited, ktimeNs: exploited.ktimeNs + 1n }, 3n);
    expect(only(found)).toMatchObject({
      ...{ kind: 'integrity', change: 'privileges-grown', seenAt: 'sample', pid, startKtimeNs, cgroupId },
      growth: ['uid', 'gid', 'permitted', 'effective', 'bounding'],
      before: { credentials: { uid: 1000, euid: 1000 }, capabilities: { permitted: 0n } },
      after: { credentials: { uid: 0, euid: 0 }, userLevel: 0 },
    });
    const detector = createDetector({
      ...{ rulesDirs: ['agent/rules'], logger: silentLogger, metrics: new Metrics('agent') },
      clock: { unixNs: (ktimeNs) => ktimeNs },
    });
    const container = only(node.directory.list().filter(({ id }) => id === user.id));
    const execution = node.tree.find(pid, startKtimeNs);
    const finding = only(
      detector.onEvent({
        ...{ event: only(found), container, execution, attribution: 'complete', missing: [], dataComplete: true },
      }),
    );
    expect(finding).toMatchObject({
      ruleId: 'integrity-privileges-grown',
      severity: Severity.CRITICAL,
      processes: [{ argv: ['/bin/shifter', 'wait'], credentials: { uid: 1000 } }],
      event: { kind: 'integrity', evidence: { $case: 'integrity', value: { before: { credentials: { uid: 1000 } } } } },
    });
    expect(finding.summary).toMatch(
      /^shifter \(user 1000\) gained privileges .* effective uid 1000 became 0, .*CAP_SYS_ADMIN/,
    );
  });
});

async function sampleOf(container: TestContainer): Promise<SampledTask> {
  const { pid } = await initOf(container.id);
  return only((await node.tasks()).filter((task) => task.tid === pid));
}

describe('privileges that change legally', () => {
  const asNobody = 'su -s /bin/sh nobody -c';

  it.each<[string, string[], Omit<RunOptions, 'command'>]>([
    ['a server drops to a user', ['/bin/shifter', 'drop', '33'], {}],
    ['a process becomes a user and root again, over and over', ['/bin/shifter', 'dance', '33'], {}],
    ['a child becomes a user and executes', ['/bin/shifter', 'exec-as', '33', '/bin/sleep', '60'], {}],
    [
      'su and a setuid program between two samples',
      ['/bin/sh', '-c', `cp /bin/shifter /opt-s; chmod 4755 /opt-s; ${asNobody} "/opt-s wait"`],
      {},
    ],
    [
      'setuid programs in a loop',
      [
        '/bin/sh',
        '-c',
        `cp /bin/actor /opt-a; chmod 4755 /opt-a; echo done; while :; do ${asNobody} "/opt-a true; sleep 0.02"; done`,
      ],
      {},
    ],
    ['a user that keeps one', ['/bin/shifter', 'wait'], { user: '1000:1000', capAdd: ['NET_RAW'] }],
  ])('%s', async (_name, command, options) => {
    const container = await start(command, options);
    await container.exec(['/bin/su', '-s', '/bin/sh', 'nobody', '-c', 'sleep 0.3']);
    await sleep(severalSamplesMs);
    expect(node.changesOf(container.id)).toEqual([]);
  });

  it('all capabilities in a user namespace of one’s own are no growth', async () => {
    const container = await start(['/bin/shifter', 'unshare', 'user'], { user: '1000', ...unconfined });
    const change = only(await changes(container, 1));
    expect(change).toMatchObject({ change: 'namespace-changed', namespaces: ['user'] });
  });
});

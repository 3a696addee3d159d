import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Container, ContainerState } from '../../proto/generated/tallyman/v1/container.ts';
import { ProcessEntry } from '../../proto/generated/tallyman/v1/process.ts';
import { epochUnixNs, LearningLab, nodeName } from './testing/learning-lab.ts';

let directory: string;
let lab: LearningLab;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-baselines-'));
  lab = new LearningLab(directory);
});
afterEach(() => {
  lab.store.close();
  rmSync(directory, { recursive: true, force: true });
});

/** A baseline of one program, ready. */
function learnOne(): void {
  lab.run('c1');
  lab.executed('c1', '/bin/app');
  lab.pass(600);
  lab.pass(600);
}

describe('learning', () => {
  it('is ready after the time, with what was seen, and not before', () => {
    lab.run('c1');
    expect(lab.state()).toBe('learning');
    lab.executed('c1', '/bin/app');
    lab.pass(999);
    expect([lab.state(), lab.baselines.stateOf(lab.head()).reason]).toEqual(['learning', 'watched for 0.9 s of 1 s']);
    lab.pass(1);
    expect([lab.state(), lab.head().containers]).toEqual(['ready', 1]);
    const message = lab.baselines.messageOf(lab.head().id);
    expect(message?.executables).toEqual([{ path: '/bin/app', parentPath: '', argumentShapes: ['bin/app'] }]);
    expect(message?.key).toEqual({
      ...{ repository: 'docker.io/shop/web', imageDigest: 'sha256:one', workload: 'web' },
    });
  });

  it('waits for a quarter of the time without anything new', () => {
    lab.run('c1');
    lab.pass(900);
    lab.executed('c1', '/bin/app');
    lab.pass(200);
    expect(lab.baselines.stateOf(lab.head()).reason).toMatch(/something new was learned 0.2 s ago/);
    lab.pass(50);
    expect(lab.state()).toBe('ready');
  });

  it('counts only containers that were seen from their start, while they run', () => {
    lab.run('old', { startedUnixNs: epochUnixNs - 1n });
    lab.executed('old', '/bin/app');
    lab.pass(5_000);
    expect(lab.baselines.stateOf(lab.head()).reason).toMatch(/no container of it has been seen from its start/);
    lab.run('new');
    lab.pass(500);
    lab.stop('new');
    lab.pass(5_000);
    expect([lab.state(), lab.head().observedMs, lab.head().containers]).toEqual(['learning', 500, 1]);
  });

  it('waits for as many containers as are asked for', () => {
    lab.store.close();
    lab = new LearningLab(directory, { minContainers: 2 });
    learnOne();
    expect(lab.baselines.stateOf(lab.head()).reason).toBe('1 of 2 containers seen from their start');
    lab.run('c2');
    lab.pass(1);
    expect(lab.state()).toBe('ready');
  });

  it('learns destinations by name where there is one, listens, and capabilities that were granted', () => {
    lab.run('c1');
    const connected = { transport: 'tcp', remotePort: 5_432, executablePath: '/bin/app' };
    lab.observe('c1', {
      $case: 'connected',
      value: { ...connected, remoteAddress: '10.0.0.1', remoteNames: ['DB.shop'] },
    });
    lab.observe('c1', { $case: 'connected', value: { ...connected, remoteAddress: '10.0.0.2' } });
    for (const localPort of [80, 40_000, 40_001])
      lab.observe('c1', { $case: 'listened', value: { transport: 'tcp', localPort, executablePath: '/bin/app' } });
    for (const granted of [true, false])
      lab.observe('c1', {
        $case: 'capabilityUsed',
        value: { capabilityName: granted ? 'CAP_CHOWN' : 'CAP_SYS_ADMIN', granted, executablePath: '/bin/app' },
      });
    lab.pass(5_000);
    const message = lab.baselines.messageOf(lab.head().id);
    expect(message?.destinations.map(({ name, address }) => name || address)).toEqual(['10.0.0.2', 'db.shop']);
    expect(message?.listens.map(({ port }) => port)).toEqual([0, 80]);
    expect(message?.capabilities.map(({ capabilityName }) => capabilityName)).toEqual(['CAP_CHOWN']);
  });

  it('does not learn what agents could not be told', () => {
    lab.run('c1');
    const connected = { transport: 'tcp', remotePort: 1, remoteAddress: 'nowhere', executablePath: '/bin/app' };
    lab.observe('c1', { $case: 'connected', value: connected });
    lab.observe('c1', { $case: 'connected', value: { ...connected, remoteAddress: '::1', remoteNames: ['a b', '*'] } });
    lab.observe('c1', { $case: 'listened', value: { transport: 'carrier pigeon', localPort: 1 } });
    lab.observe('c1', { $case: 'capabilityUsed', value: { capabilityName: 'root', granted: true } });
    expect(lab.baselines.factsOf(lab.head().id).content()).toMatchObject({
      ...{ executables: [], listens: [], capabilities: [] },
      destinations: [{ name: '', address: '::1' }],
    });
  });

  it('does not learn what a person did who came in from outside', () => {
    lab.run('c1');
    lab.executed('c1', '/bin/sh', { origin: ProcessEntry.EXEC_SESSION });
    expect(lab.paths('learned')).toEqual([]);
  });

  it('learns what was seen before its container was known', () => {
    lab.executed('c1', '/bin/app');
    lab.executed('c1', '/bin/sh', { origin: ProcessEntry.EXEC_SESSION });
    lab.run('c1');
    expect(lab.paths('learned')).toEqual(['/bin/app']);
  });

  it('has none for a container without a digest', () => {
    lab.run('c1', { image: { reference: 'web:1' } });
    expect(lab.baselines.book.heads.size).toBe(0);
  });
});

describe('what is not learned', () => {
  it('keeps what is new in a ready baseline as a candidate', () => {
    learnOne();
    lab.executed('c1', '/tmp/x');
    expect([lab.paths('learned'), lab.paths('candidate'), lab.state()]).toEqual([['/bin/app'], ['/tmp/x'], 'ready']);
  });

  it('refuses what comes beside an alert of its container, before and after it', () => {
    lab.run('c1');
    lab.executed('c1', '/bin/app');
    lab.nowUnixMs += 120_000;
    lab.executed('c1', '/tmp/before');
    lab.baselines.alerted({ nodeName, containerId: 'c1', ruleId: 'exec-drift', atUnixMs: lab.nowUnixMs + 10 });
    lab.baselines.close();
    lab.nowUnixMs += 20;
    lab.executed('c1', '/tmp/after');
    expect([lab.paths('learned'), lab.paths('refused')]).toEqual([['/bin/app'], ['/tmp/after', '/tmp/before']]);
    lab.reopen();
    lab.executed('c1', '/tmp/after-restart');
    expect(lab.paths('refused')).toContain('/tmp/after-restart');
    // Another container does the same without an alert.
    lab.run('c2');
    lab.executed('c2', '/tmp/after');
    expect(lab.paths('learned')).toEqual(['/bin/app', '/tmp/after']);
  });

  it('is incomplete when there is more than is kept', () => {
    lab.run('c1');
    for (let n = 0; n < 1_010; n++) lab.executed('c1', `/bin/${n}`);
    lab.pass(5_000);
    expect([lab.state(), lab.paths('learned').length]).toEqual(['incomplete', 1_000]);
    expect(lab.baselines.stateOf(lab.head()).reason).toMatch(/^10 executables are beyond/);
  });

  it('says any arguments where a program has too many shapes of them', () => {
    lab.run('c1');
    for (let n = 0; n < 40; n++)
      lab.observe('c1', {
        $case: 'executed',
        value: { executablePath: '/bin/a', parentPath: '', argumentShape: `a -${n}` },
      });
    const [line] = lab.baselines.factsOf(lab.head().id).content().executables;
    expect([line?.argumentShapes.length, line?.argumentShapes[0]]).toEqual([33, 'a *']);
  });
});

describe('gaps', () => {
  it('makes what is being learned incomplete, until the whole time has passed without one', () => {
    lab.run('c1');
    lab.pass(500);
    lab.gap({ containerIds: ['c1'], totalCount: 70n });
    expect([lab.state(), lab.baselines.stateOf(lab.head()).reason]).toEqual([
      'incomplete',
      '70 exec records of container c1 were lost (budget: throttled); watched without loss for 0 s of 1 s since',
    ]);
    lab.pass(999);
    expect(lab.state()).toBe('incomplete');
    lab.pass(1);
    expect(lab.state()).toBe('ready');
  });

  it('concerns all containers of the node where it is not known whose it was, and no other node', () => {
    lab.run('c1');
    lab.gap({});
    expect(lab.state()).toBe('incomplete');
  });

  it.each([{ containerIds: ['other'] }, { type: 'finding' }, { type: 'file' }])('does not concern %j', (change) => {
    lab.run('c1');
    lab.gap(change);
    expect(lab.state()).toBe('learning');
  });

  it('does not touch what is learned', () => {
    learnOne();
    lab.gap({});
    expect(lab.state()).toBe('ready');
  });
});

describe('restarts and new images', () => {
  it('goes on where it was when a container is restarted or replaced', () => {
    learnOne();
    lab.stop('c1');
    lab.pass(10);
    lab.run('c2');
    lab.executed('c2', '/bin/app');
    lab.pass(10);
    expect([lab.state(), lab.baselines.book.heads.size, lab.head().containers]).toEqual(['ready', 1, 2]);
    expect(lab.baselines.factsOf(lab.head().id).records.values().next().value?.reports).toBe(2);
  });

  it('hands a learned baseline to the next digest, where only what is new is open', () => {
    learnOne();
    const image = { reference: 'shop/web:2', configDigest: 'sha256:two' };
    lab.run('c2', { image });
    expect(lab.state('sha256:two')).toBe('ready');
    expect(lab.baselines.messageOf(lab.head('sha256:two').id)).toMatchObject({ newPathsOpen: true });
    lab.executed('c2', '/bin/new');
    lab.observe('c2', { $case: 'listened', value: { transport: 'tcp', localPort: 80, executablePath: '/bin/new' } });
    lab.observe('c2', { $case: 'listened', value: { transport: 'tcp', localPort: 81, executablePath: '/bin/app' } });
    expect(lab.paths('learned', 'sha256:two')).toEqual(['/bin/app', '/bin/new', 'listen']);
    expect(lab.paths('candidate', 'sha256:two')).toEqual(['listen']);
    lab.pass(5_000);
    lab.executed('c2', '/bin/late');
    expect(lab.paths('candidate', 'sha256:two')).toEqual(['/bin/late', 'listen']);
    expect(lab.baselines.messageOf(lab.head('sha256:two').id)).toMatchObject({ newPathsOpen: false, openPaths: [] });
    expect(lab.paths('learned', 'sha256:one')).toEqual(['/bin/app']);
  });

  it('keeps open what was still being learned when the next digest comes soon', () => {
    learnOne();
    lab.run('c2', { image: { reference: 'shop/web:2', configDigest: 'sha256:two' } });
    lab.executed('c2', '/bin/new');
    lab.pass(1);
    lab.run('c3', { image: { reference: 'shop/web:3', configDigest: 'sha256:three' } });
    const listened = { transport: 'tcp', localPort: 80, executablePath: '/bin/new' };
    lab.observe('c3', { $case: 'listened', value: listened });
    expect(lab.paths('learned', 'sha256:three')).toEqual(['/bin/app', '/bin/new', 'listen']);
  });

  it('gives nothing to another workload or repository', () => {
    learnOne();
    lab.run('c2', { image: { reference: 'shop/web:2', configDigest: 'sha256:two' }, name: 'other' });
    lab.run('c3', { image: { reference: 'shop/api:2', configDigest: 'sha256:three' } });
    expect([lab.state('sha256:two'), lab.state('sha256:three')]).toEqual(['learning', 'learning']);
  });

  it('is stale once a newer image has run for long enough in its place, and ready when it runs again', () => {
    learnOne();
    lab.stop('c1');
    lab.run('c2', { image: { reference: 'shop/web:2', configDigest: 'sha256:two' } });
    lab.pass(900);
    expect(lab.state('sha256:one')).toBe('ready');
    lab.pass(200);
    expect(lab.state('sha256:one')).toBe('stale');
    lab.run('c3');
    lab.pass(1);
    expect(lab.state('sha256:one')).toBe('ready');
  });

  it('is stale when nothing of it ran for long, by the wall clock', () => {
    learnOne();
    lab.stop('c1');
    lab.pass(999_000);
    expect(lab.state()).toBe('ready');
    lab.pass(1_000);
    expect([lab.state(), lab.baselines.stateOf(lab.head()).reason]).toEqual([
      'stale',
      'no container of it has run for 16 min',
    ]);
  });
});

describe('crashes and clocks', () => {
  it('knows after a crash what was stored, and a replayed item changes nothing', () => {
    lab.run('c1');
    const inboxId = lab.executed('c1', '/bin/app');
    const before = JSON.stringify([...lab.baselines.factsOf(lab.head().id).records.values()]);
    lab.reopen();
    const replayed = {
      $case: 'executed' as const,
      value: { executablePath: '/bin/app', parentPath: '', argumentShape: 'bin/app' },
    };
    lab.receive(
      {
        $case: 'observation',
        value: {
          containerId: 'c1',
          firstSeenUnixNs: BigInt(lab.nowUnixMs) * 1_000_000n,
          origin: 0,
          fact: { ...replayed, value: { ...replayed.value, layer: 0 } },
        },
      },
      inboxId,
    );
    expect(JSON.stringify([...lab.baselines.factsOf(lab.head().id).records.values()])).toBe(before);
    expect(lab.head().containers).toBe(1);
  });

  it('has what was acknowledged after the process was killed, and nothing twice', () => {
    lab.store.close();
    const at = (path: string): string => join(import.meta.dirname, path);
    const script = `
      import { LearningLab } from '${at('testing/learning-lab.ts')}';
      const lab = new LearningLab('${directory}');
      lab.run('c1');
      for (let n = 0; n < 20; n++) lab.executed('c1', '/bin/' + n);
      process.kill(process.pid, 'SIGKILL');`;
    const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect([signal, stderr]).toEqual(['SIGKILL', '']);
    lab = new LearningLab(directory);
    expect([lab.paths('learned').length, lab.head().containers, [...lab.baselines.idsOf(nodeName)].length]).toEqual([
      20, 1, 1,
    ]);
    // The agent sends again what was not acknowledged: the inbox gives it the numbers it had.
    lab.run('c1', { startedUnixNs: BigInt(lab.nowUnixMs) * 1_000_000n });
    for (let n = 0; n < 20; n++) lab.executed('c1', `/bin/${n}`);
    const reports = [...lab.baselines.factsOf(lab.head().id).records.values()].map((record) => record.reports);
    expect([new Set(reports), lab.head().containers]).toEqual([new Set([1]), 1]);
  });

  it('does not learn faster or slower when the wall clock jumps', () => {
    lab.run('c1');
    lab.nowUnixMs += 10 ** 10;
    lab.pass(10);
    expect([lab.state(), lab.head().observedMs]).toEqual(['learning', 10]);
    lab.nowUnixMs -= 2 * 10 ** 10;
    lab.pass(990);
    expect(lab.state()).toBe('ready');
  });

  it('takes containers that were stored before there were baselines', () => {
    const container = Container.fromPartial({
      ...{ id: 'c0', name: 'web', state: ContainerState.RUNNING, startedUnixNs: 5n },
      image: { reference: 'shop/web', configDigest: 'sha256:one' },
    });
    lab.store.putContainer(nodeName, container, 1);
    lab.baselines.start();
    lab.baselines.close();
    expect([lab.head().containers, [...lab.baselines.idsOf(nodeName)]]).toEqual([0, [lab.head().id]]);
  });
});

describe('people', () => {
  const content = {
    executables: [{ path: '/bin/app', parentPath: '*', argumentShapes: [] }],
    ...{ destinations: [], listens: [], capabilities: [] },
  };

  it('apply what is expected, and are told when it is not what they started from', () => {
    learnOne();
    const { key, id } = lab.head();
    const version = lab.baselines.versionOf(id);
    expect(lab.baselines.apply({ key, content, frozen: false, baseVersion: 'old' })).toEqual({
      problem: 'changed',
      version,
    });
    expect(lab.baselines.apply({ key, content, frozen: true, baseVersion: version })).toMatchObject({ created: false });
    lab.reopen();
    expect(lab.baselines.messageOf(id)).toMatchObject({ executables: content.executables, frozen: true });
    expect(
      lab.baselines.apply({ key, content: { ...content, executables: [] }, frozen: true, baseVersion: undefined }),
    ).toEqual({
      problem: 'frozen',
    });
  });

  it('are not asked again about what a general line of theirs says', () => {
    learnOne();
    lab.executed('c1', '/bin/tool', { parentPath: '/bin/app' });
    const { key, id } = lab.head();
    const tool = { path: '/bin/tool', parentPath: '*', argumentShapes: [] };
    const executables = [...lab.baselines.factsOf(id).content().executables, tool];
    lab.baselines.apply({ key, content: { ...content, executables }, frozen: false, baseVersion: undefined });
    lab.executed('c1', '/bin/tool', { parentPath: '/bin/tool' });
    expect([lab.paths('learned'), lab.paths('candidate')]).toEqual([['/bin/app', '/bin/tool'], []]);
  });

  it('make one that nothing has run of yet', () => {
    const key = { repository: 'docker.io/shop/web', imageDigest: 'sha256:one', workload: 'web' };
    expect(lab.baselines.apply({ key, content, frozen: false, baseVersion: undefined })).toMatchObject({
      created: true,
    });
    lab.run('c1');
    expect([lab.state(), lab.baselines.book.heads.size]).toEqual(['ready', 1]);
  });

  it('freeze one, which nothing changes then', () => {
    lab.run('c1');
    lab.executed('c1', '/bin/app');
    const { id } = lab.head();
    const version = lab.baselines.versionOf(id);
    lab.baselines.setFrozen(id, true);
    lab.executed('c1', '/bin/new');
    lab.gap({});
    lab.pass(5_000);
    expect([lab.state(), lab.baselines.versionOf(id), lab.paths('candidate')]).toEqual([
      'ready',
      version,
      ['/bin/new'],
    ]);
    lab.baselines.setFrozen(id, false);
    expect(lab.state()).toBe('learning');
    expect(lab.baselines.setFrozen('no-such', true)).toEqual({ problem: 'not-found' });
  });
});

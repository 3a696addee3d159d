import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Alert } from '../decide/alert.ts';
import { formatAlert, minMaxEventBytes } from './format-alert.ts';
import { showText } from './formats/text.ts';
import { trim } from './formats/trim.ts';
import { natsSubjectOf, subjectToken } from './subject.ts';
import { OcsfSchema } from './testing/ocsf-schema.ts';
import { sampleAlert, sampleCorrelated, sampleFinding, sampleProcesses } from './testing/sample-alert.ts';

describe('the CloudEvent', () => {
  it('has the attributes of CloudEvents 1.0 and the extensions', () => {
    const alert = sampleAlert();
    const stored = formatAlert(alert);
    const { data, ...envelope } = JSON.parse(stored.cloudEvent);
    expect(envelope).toEqual({
      specversion: '1.0',
      id: alert.alertId,
      source: '/clusters/prod-eu/nodes/node-3',
      type: 'io.tallyman.alert.v1',
      subject: 'payments/checkout',
      time: '2026-11-18T11:06:40.123456789Z',
      datacontenttype: 'application/json',
      dataschema: 'https://schema.ocsf.io/1.8.0/classes/detection_finding',
      traceparent: `00-${alert.traceId}-${alert.spanId}-01`,
      severitytext: 'critical',
      severitynumber: 21,
    });
    for (const name of Object.keys(envelope)) expect(name).toMatch(/^[a-z0-9]+$/);
    expect(data.time).toBe(stored.timeUnixMs);
    expect(data.metadata.is_truncated).toBeUndefined();
  });
});

/** As large and as expensive to write as an agent could ever send it. */
function monster(): Alert {
  const text = '\u0001'.repeat(20_000);
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`${index}${text.slice(0, 5000)}`, text]));
  const processes = Array.from({ length: 80 }, () => ({
    ...sampleProcesses()[0],
    argv: Array.from({ length: 100 }, () => text.slice(0, 1000)),
    cwd: text,
    executable: { path: `/${text}` },
  }));
  const finding = sampleFinding({ processes, fields: many, summary: text, remediation: text, ruleTitle: text });
  if (finding.container !== undefined) finding.container.labels = many;
  return sampleAlert(sampleCorrelated(finding));
}

describe('the bound of an event', () => {
  it('holds for the largest alert, which says what was cut and still fits the schema', () => {
    const alert = monster();
    for (const maxBytes of [512 * 1024, minMaxEventBytes]) {
      const { cloudEvent } = formatAlert(alert, maxBytes);
      expect(Buffer.byteLength(cloudEvent)).toBeLessThanOrEqual(maxBytes);
      const { data } = JSON.parse(cloudEvent);
      expect(new OcsfSchema().validate(data)).toEqual([]);
      expect(data.metadata.is_truncated).toBe(true);
      expect(data.metadata.untruncated_size).toBeGreaterThan(maxBytes);
      expect(data.unmapped.trimmed.join('\n')).toMatch(/evidences\[0\]\.data\.argv: \d+ of 100 items kept/);
      expect(data.finding_info.analytic.uid).toBe('exec-drift');
    }
  });

  it('cuts texts between characters and lists with a note', () => {
    const limits = { maxTextCharacters: 15, maxItems: 1, maxKeys: 1, maxAncestors: 1 };
    expect(trim({ a: [`${'-'.repeat(14)}😀`, 'c'] }, limits)).toEqual({
      value: { a: ['-'.repeat(14)] },
      notes: ['a: 1 of 2 items kept', 'a[]: 15 of 16 characters kept'],
    });
    expect(trim({ parent_process: { parent_process: { pid: 1 } } }, limits).value).toEqual({ parent_process: {} });
    expect(trim({ b: undefined, a: 1n }, limits).value).toEqual({ a: '1' });
  });

  it('never makes text that is not well-formed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(10), (text, maxTextCharacters) => {
        const { value } = trim(text, { maxTextCharacters, maxItems: 1, maxKeys: 1, maxAncestors: 1 });
        expect((value as string).isWellFormed()).toBe(true);
        expect((value as string).length).toBeLessThanOrEqual(maxTextCharacters);
      }),
    );
  });
});

it('text for people is the same after a second time', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(showText(showText(text))).toBe(showText(text));
    }),
  );
});

describe('the NATS subject', () => {
  it('is made of tokens nobody can break out of', () => {
    const finding = sampleFinding({ ruleId: 'Some Rule.>*\r\n' });
    const alert = { ...sampleAlert(sampleCorrelated(finding)), cluster: 'a.b', namespace: '*' };
    expect(natsSubjectOf(alert)).toBe(`tallyman.v1.alerts.a_b._.${alert.decision.severity}.some_rule_`);
  });

  it('has seven tokens of at most 256 characters whatever the names', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (name) => {
        const alert = {
          ...sampleAlert(sampleCorrelated(sampleFinding({ ruleId: name }))),
          cluster: name,
          namespace: name,
        };
        const subject = natsSubjectOf(alert);
        expect(subject).toMatch(/^tallyman\.v1\.alerts(\.[a-z0-9_-]+){4}$/);
        expect(subject.length).toBeLessThanOrEqual(256);
      }),
      { numRuns: 50 },
    );
    expect(subjectToken('')).toBe('_');
  });
});

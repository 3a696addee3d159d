import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VulnerabilityError } from '../../collector/records/vulnerability/errors.ts';
import { parseVex } from '../../collector/records/vulnerability/vex/parse.ts';
import { readVulnerabilityFixture } from '../support/vulnerability-fixtures.ts';
import { mutatedBytes, mutatedJson, mutationRuns } from './mutations.ts';

const statuses = ['not_affected', 'affected', 'fixed', 'under_investigation'];
const cycloneDx = {
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  metadata: {
    timestamp: '2026-01-02T03:04:05Z',
    authors: [{ name: 'Acme' }],
    component: { 'bom-ref': 'app', purl: 'pkg:oci/app@sha256%3Aaa' },
  },
  vulnerabilities: [
    {
      id: 'CVE-2024-1',
      analysis: { state: 'not_affected', justification: 'code_not_reachable', detail: 'never called' },
      affects: [{ ref: 'urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg%3Anpm%2Fms%402.0.0' }],
    },
    { id: 'CVE-2024-2', analysis: { state: 'exploitable' }, affects: [{ ref: 'app' }] },
  ],
};

function attempt(bytes: Uint8Array): void {
  try {
    for (const { status, justification, note, timeUnixMs } of parseVex(bytes).statements) {
      expect(statuses).toContain(status);
      expect(Number.isFinite(timeUnixMs)).toBe(true);
      expect([justification, note].every((part) => part === undefined || typeof part === 'string')).toBe(true);
    }
  } catch (error) {
    expect(error).toBeInstanceOf(VulnerabilityError);
  }
}

describe.each([
  ['OpenVEX', readVulnerabilityFixture('openvex.json')],
  ['CycloneDX VEX', Buffer.from(JSON.stringify(cycloneDx))],
])('damaged %s', (_name, original) => {
  it('is refused, or has statements of known meaning only', () => {
    expect(parseVex(original).statements.length).toBeGreaterThan(0);
    fc.assert(fc.property(mutatedBytes(original), attempt), { numRuns: mutationRuns });
    const json: unknown = JSON.parse(original.toString('utf8'));
    fc.assert(fc.property(mutatedJson(json), attempt), { numRuns: mutationRuns });
  });
});

describe('OpenVEX that claims not_affected', () => {
  it('without a reason is refused as a whole', () => {
    const json = JSON.parse(readVulnerabilityFixture('openvex.json').toString('utf8')) as {
      statements: Record<string, unknown>[];
    };
    delete json.statements[0]!.justification;
    expect(() => parseVex(Buffer.from(JSON.stringify(json)))).not.toThrow();
    delete json.statements[0]!.impact_statement;
    expect(() => parseVex(Buffer.from(JSON.stringify(json)))).toThrow(/without justification/);
  });
});

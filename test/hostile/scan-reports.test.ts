import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VulnerabilityError } from '../../collector/records/vulnerability/errors.ts';
import { parseScanReport } from '../../collector/records/vulnerability/formats/report.ts';
import type { ScanReport } from '../../collector/records/vulnerability/model.ts';
import { readVulnerabilityFixture } from '../support/vulnerability-fixtures.ts';
import { mutatedBytes, mutatedJson, mutationRuns } from './mutations.ts';

/** Reads, or refuses with the error of its kind: nothing else. */
function attempt(bytes: Uint8Array): ScanReport | undefined {
  try {
    return parseScanReport(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(VulnerabilityError);
    return undefined;
  }
}

describe.each([
  ['grype', 'grype-keycloak.json'],
  ['trivy', 'trivy-alpine.json'],
  ['cyclonedx-vdr', 'trivy-vdr.json'],
  ['sarif', 'trivy.sarif.json'],
])('a damaged report of %s', (format, file) => {
  const original = readVulnerabilityFixture(file);
  const count = parseScanReport(original).matches.length;

  it('of which bytes were changed is refused, or still a report of its own format', () => {
    expect(count).toBeGreaterThan(1);
    fc.assert(
      fc.property(mutatedBytes(original), (bytes) => {
        const report = attempt(bytes);
        if (report !== undefined) expect(report.format).toBe(format);
      }),
      { numRuns: mutationRuns },
    );
  });

  it('of which values were replaced is refused, or keeps what was left', () => {
    const json: unknown = JSON.parse(original.toString('utf8'));
    fc.assert(
      fc.property(mutatedJson(json), (bytes) => {
        const report = attempt(bytes);
        if (report !== undefined) for (const match of report.matches) expect(match.id).not.toBe('');
      }),
      { numRuns: mutationRuns },
    );
  });

  it('that was cut off is refused', () => {
    fc.assert(
      fc.property(fc.nat(original.length - 3), (length) => {
        expect(attempt(original.subarray(0, length))).toBeUndefined();
      }),
      { numRuns: mutationRuns },
    );
  });
});

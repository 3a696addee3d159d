import { describe, expect, it } from 'vitest';
import type { Screen } from './style.ts';
import { summaryOf, truthPage } from './truth-page.ts';

const list = (...entries: string[]) => ({ total: entries.length, entries });
const answer = {
  reference: 'registry.example.org/app:1',
  declared: { outcome: 'verified', reason: '', packages: 312, generator: 'syft 1.57.0' },
  contained: { inventory: 'received', packages: 313 },
  executed: { programs: 4, unlisted: list('/opt/app') },
  differences: {
    ...{ missingFromSbom: list('curl 8.5.0 (apk)'), notInImage: list(), otherVersion: list(), otherHash: list() },
    known: { 'go-standard-library': 2 },
  },
};
const screen = { columns: 100, paint: (_: string, text: string) => text } as unknown as Screen;

describe('the truth about an image', () => {
  it('is shown as what is declared, contained and executed, then every difference', () => {
    const page = truthPage(answer, screen).join('\n');
    expect(page).toMatch(/declared +.*verified +312 packages +syft 1\.57\.0/);
    expect(page).toMatch(/contained +inventory received +313 packages/);
    expect(page).toMatch(/executed +4 programs of the image, 1 of them of no package/);
    expect(page).toContain('in the image, not in the SBOM (1)\n  curl 8.5.0 (apk)');
    expect(page).toContain('executed, and of no package (1)\n  /opt/app');
    expect(page).toMatch(/not told +go-standard-library 2/);
  });

  it('says what cannot be compared, and escapes what came from outside', () => {
    const undeclared = { ...answer, differences: undefined };
    expect(summaryOf(undeclared)).toMatch(/cannot be compared: the image contains 313 packages.* no SBOM/);
    expect(summaryOf({ ...undeclared, contained: { inventory: 'asked' } })).toMatch(
      /cannot be compared: inventory asked/,
    );
    const hostile = { ...answer, differences: { ...answer.differences, missingFromSbom: list('\u001b[2Jx') } };
    expect(truthPage(hostile, screen).join('\n')).toContain('\\x1b[2Jx');
  });
});

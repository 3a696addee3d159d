import { afterAll, describe, expect, it } from 'vitest';
import { fixtureImage } from '../../test/support/papers-lab.ts';
import { readFixture } from '../../test/support/push-papers.ts';
import { playRegistry, recordedTags } from '../../test/support/recorded-registry.ts';
import { closeRecords, recordsWith } from '../../test/support/records-lab.ts';

const { tags } = JSON.parse(readFixture('registry/content.json').toString('utf8')) as { tags: Record<string, string> };
const repository = 'tallyman/fixture';
const expected: Record<(typeof recordedTags)[number], [signature: string, sbom: string]> = {
  ...{ bundle: ['verified', 'absent'], legacy: ['verified', 'absent'], oci11: ['verified', 'absent'] },
  ...{ attested: ['verified', 'verified'], plain: ['absent', 'absent'], index: ['verified', 'absent'] },
};
afterAll(closeRecords);

/** One without the referrers API, one with it. */
describe.each(['distribution', 'go-containerregistry'])('what %s answered', (name) => {
  it('leads to the same papers as in every other registry', async () => {
    const registry = await playRegistry(name);
    for (const tag of recordedTags) {
      const query = await fixtureImage(registry, repository, tags, tag);
      const { papers } = await recordsWith().lookup(query);
      expect([papers.signature.outcome, papers.sbom.outcome], `${tag}: ${papers.signature.reason}`).toEqual(
        expected[tag],
      );
    }
    expect(registry.unexpected).toEqual([]);
    await registry.stop();
  });
});

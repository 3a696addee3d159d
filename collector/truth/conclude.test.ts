import { describe, expect, it } from 'vitest';
import { unknownPapers } from '../correlate/unknown-papers.ts';
import type { ImageReport } from '../images/image-findings.ts';
import type { SbomPaper } from '../records/papers.ts';
import type { Truth } from './compare.ts';
import { conclude } from './conclude.ts';
import type { ImageTruth } from './image-truth.ts';

const image = { reference: 'acme/app:1', repoDigests: [], configDigest: 'sha256:11', targetDigest: '', platform: '' };
const agreed: Truth = {
  ...{
    declaredPackages: 2,
    containedPackages: 2,
    missingFromSbom: [],
    notInImage: [],
    otherVersion: [],
    otherHash: [],
  },
  ...{ known: {}, incomplete: '' },
};

function truth(sbom: Partial<SbomPaper>, comparison?: Partial<Truth>, unlisted: string[] = []): ImageTruth {
  return {
    ...{
      imageKey: 'sha256:11',
      reference: image.reference,
      inventory: 'received',
      running: 1,
      containers: [],
      fingerprint: '',
    },
    sbom: { ...unknownPapers(undefined, '', 0).sbom, ...sbom },
    containedPackages: undefined,
    comparison: comparison === undefined ? undefined : { ...agreed, ...comparison },
    executed: { programs: 3, unlisted },
  };
}

/** What was told and ended, in words. */
async function told(of: ImageTruth): Promise<{ reports: ImageReport[]; ended: string[] }> {
  const reports: ImageReport[] = [];
  const ended: string[] = [];
  await conclude(image, of, {
    report: async (report) => {
      reports.push(report);
      return 'new';
    },
    resolve: async (ruleId) => {
      ended.push(ruleId);
      return true;
    },
  });
  return { reports, ended };
}

describe('from what an image declares and contains follows', () => {
  it('nothing while nobody could look', async () => {
    expect(await told({ ...truth({ outcome: 'unknown' }), executed: { programs: 0, unlisted: [] } })).toEqual({
      ...{ reports: [], ended: [] },
    });
  });

  it('that it has no SBOM', async () => {
    const { reports, ended } = await told(truth({ outcome: 'absent' }));
    expect(reports).toEqual([{ ruleId: 'image-no-sbom', image, summary: 'The image acme/app:1 has no SBOM.' }]);
    expect(ended).toContain('image-sbom-mismatch');
  });

  it('that all is well again', async () => {
    const { reports, ended } = await told(truth({ outcome: 'verified' }, {}));
    expect(reports).toEqual([]);
    expect(ended).toEqual(['image-no-sbom', 'image-sbom-mismatch', 'exec-unlisted']);
  });

  it('not that all is well when the inventory lacks something', async () => {
    expect((await told(truth({ outcome: 'verified' }, { incomplete: 'dpkg: cut' }))).ended).not.toContain(
      'image-sbom-mismatch',
    );
  });

  it('a mismatch that names what differs', async () => {
    const { reports } = await told(
      truth(
        { outcome: 'untrusted', documentDigest: 'sha256:22', generator: 'syft 1.57.0' },
        { missingFromSbom: ['curl 8.5.0 (apk)'], notInImage: ['a 1 (npm)', 'b 1 (npm)'], otherHash: ['/bin/a: md5'] },
      ),
    );
    expect(reports).toEqual([
      {
        ...{ ruleId: 'image-sbom-mismatch', image },
        summary:
          'The SBOM of acme/app:1 does not say what the image contains: curl 8.5.0 is in the image and not in it; 2 packages (a 1, …) are in it and not in the image; 1 files have another content.',
        fields: { 'sbom.outcome': 'untrusted', 'sbom.digest': 'sha256:22', 'sbom.generator': 'syft 1.57.0' },
        lists: [
          { name: 'missing_from_sbom', entries: ['curl 8.5.0 (apk)'] },
          { name: 'not_in_image', entries: ['a 1 (npm)', 'b 1 (npm)'] },
          { name: 'other_hash', entries: ['/bin/a: md5'] },
        ],
      },
    ]);
  });

  it('that its SBOM is about another image', async () => {
    const reason = `the subject is sha256:${'aa'.repeat(32)}, not this image`;
    const { reports } = await told(truth({ outcome: 'invalid', reason }));
    expect(reports).toMatchObject([{ ruleId: 'image-sbom-mismatch', fields: { 'sbom.problem': reason } }]);
  });

  it('that programs of no package ran, which weighs more where the SBOM promised to know them', async () => {
    const promised = await told(truth({ outcome: 'verified', ownedFileCount: 7 }, {}, ['/opt/app']));
    expect(promised.reports).toMatchObject([
      { ruleId: 'exec-unlisted', severity: 'medium', lists: [{ name: 'executed', entries: ['/opt/app'] }] },
    ]);
    const usual = await told(truth({ outcome: 'untrusted', ownedFileCount: 7 }, {}, ['/opt/app']));
    expect(usual.reports).toMatchObject([{ ruleId: 'exec-unlisted', severity: 'low' }]);
  });
});

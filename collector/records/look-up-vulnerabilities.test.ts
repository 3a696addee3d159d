import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { eventually } from '../../test/support/eventually.ts';
import { type PushedImage, pushImage } from '../../test/support/papers-lab.ts';
import { closeRecords, memoryCache, recordsWith, trustIn } from '../../test/support/records-lab.ts';
import { type RegistryProcess, startRegistry } from '../../test/support/registry.ts';
import { attachSbom, attestSbom, generateSigningKey } from '../../test/support/sign.ts';
import { readVulnerabilityFixture } from '../../test/support/vulnerability-fixtures.ts';
import { ContentsStore } from './contents/contents-store.ts';
import type { ImageRecords, Papers } from './papers.ts';
import { Vulnerabilities, type VulnerabilitySettings } from './vulnerability/vulnerabilities.ts';

const key = generateSigningKey();
const trust = trustIn([{ name: 'team', fingerprint: key.fingerprint, key: key.publicKey }]);
const vulnPredicate = 'https://cosign.sigstore.dev/attestation/vuln/v1';
let registry: RegistryProcess;
let directory: string;
const opened: Vulnerabilities[] = [];

beforeAll(async () => {
  registry = await startRegistry();
  directory = mkdtempSync(join(tmpdir(), 'tallyman-vulnerabilities-'));
}, 60_000);
afterAll(async () => {
  closeRecords();
  await Promise.all(opened.map((vulnerabilities) => vulnerabilities.close()));
  await registry?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Grype's report of keycloak as if it were about this image, a day old. */
function grypeReport({ digest, query }: PushedImage, built = new Date().toISOString()): Record<string, unknown> {
  const report = JSON.parse(readVulnerabilityFixture('grype-keycloak.json').toString('utf8')) as {
    source: { target: object };
    descriptor: { db: object };
  };
  const target = { manifestDigest: digest, imageID: query.configDigest, repoDigests: [] };
  return { ...report, source: { type: 'image', target }, descriptor: { ...report.descriptor, db: { built } } };
}

const attestReport = (image: PushedImage, result: unknown) =>
  attestSbom({
    ...image,
    key,
    predicate: { scanner: { uri: '', version: '1', result } },
    predicateType: vulnPredicate,
  });
const attachReport = (image: PushedImage, document: unknown) =>
  attachSbom({ ...image, document: Buffer.from(JSON.stringify(document)), mediaType: 'application/vnd.grype+json' });

const lookUp = (image: PushedImage): Promise<ImageRecords> =>
  recordsWith({ trust, cache: memoryCache() }).lookup(image.query);

describe('a scan report on an image', () => {
  it('is verified when a pinned key attested it, and tells what to upgrade to', async () => {
    const image = await pushImage(registry);
    await attestReport(image, grypeReport(image));
    const { papers, vulnerabilities } = await lookUp(image);
    expect(papers.vulnerabilities).toMatchObject({ outcome: 'verified', freshness: 'current', total: 6 });
    expect(papers.vulnerabilities.sources[0]).toMatchObject({
      name: 'grype 0.66.0',
      signer: { name: 'team' },
      isStale: false,
    });
    expect(vulnerabilities?.some(({ fixState }) => fixState === 'wont-fix')).toBe(true);
  });

  it('is untrusted without a signature, stale when it is old, and never "none" then', async () => {
    const image = await pushImage(registry);
    await attachReport(image, { ...grypeReport(image, '2023-09-01T01:26:55Z'), matches: [] });
    const { vulnerabilities } = (await lookUp(image)).papers;
    expect(vulnerabilities).toMatchObject({ outcome: 'untrusted', freshness: 'stale', total: 0 });
    expect(vulnerabilities.reason).toContain('newer vulnerabilities are not in it');
  });

  it('about another image, or broken, is invalid; none at all is absent', async () => {
    const [other, image, broken, bare] = await Promise.all([1, 2, 3, 4].map(() => pushImage(registry)));
    await attestReport(image!, grypeReport(other!));
    expect((await lookUp(image!)).papers.vulnerabilities).toMatchObject({
      outcome: 'invalid',
      freshness: 'none',
      reason: expect.stringContaining('about another image'),
    });
    await attestReport(broken!, { ...grypeReport(broken!), matches: 'none' });
    expect((await lookUp(broken!)).papers.vulnerabilities.outcome).toBe('invalid');
    expect((await lookUp(bare!)).papers.vulnerabilities).toMatchObject({ outcome: 'absent', freshness: 'none' });
  });
});

describe('VEX on an image', () => {
  const vexFor = (image: PushedImage): object => ({
    '@context': 'https://openvex.dev/ns/v0.2.0',
    author: 'Acme',
    timestamp: '2026-11-20T00:00:00Z',
    statements: [
      {
        vulnerability: { name: 'CVE-2020-12413' },
        products: [{ '@id': `pkg:oci/app@${encodeURIComponent(image.digest)}` }],
        status: 'not_affected',
        justification: 'vulnerable_code_not_in_execute_path',
      },
    ],
  });

  it('is applied when its author is verified, and only listed otherwise', async () => {
    const [signed, unsigned] = [await pushImage(registry), await pushImage(registry)];
    for (const image of [signed, unsigned]) await attestReport(image, grypeReport(image));
    await attestSbom({
      ...signed,
      key,
      predicate: vexFor(signed) as never,
      predicateType: 'https://openvex.dev/ns/v0.2.0',
    });
    await attachSbom({
      ...unsigned,
      document: Buffer.from(JSON.stringify(vexFor(unsigned))),
      mediaType: 'application/vnd.openvex+json',
    });
    const find = ({ vulnerabilities }: ImageRecords) => vulnerabilities?.find(({ id }) => id === 'CVE-2020-12413');
    const applied = await lookUp(signed);
    expect(find(applied)?.suppressed).toBe('VEX of Acme: not_affected, vulnerable_code_not_in_execute_path');
    expect(applied.papers.vulnerabilities.suppressed).toBeGreaterThan(0);
    const listed = await lookUp(unsigned);
    expect(find(listed)).toMatchObject({ suppressed: undefined, vex: { status: 'not_affected', isApplied: false } });
    expect(listed.papers.vulnerabilities.vex).toMatchObject([
      { author: 'Acme', isApplied: false, outcome: 'untrusted' },
    ]);
  });
});

describe('advisories and feeds that change', () => {
  const sbom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    components: [{ type: 'library', name: 'ms', version: '1.0.0', purl: 'pkg:npm/ms@1.0.0' }],
  };
  const advisory = (id: string): string =>
    JSON.stringify({
      id,
      modified: new Date().toISOString(),
      aliases: ['CVE-2017-20162'],
      affected: [
        {
          package: { ecosystem: 'npm', name: 'ms' },
          ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '2.0.0' }] }],
        },
      ],
    });
  const kev = (cve: string): string =>
    JSON.stringify({ dateReleased: '2026-11-20', vulnerabilities: [{ cveID: cve, dateAdded: '2026-11-20' }] });

  it('are matched against what is known, without a scan, and told', { timeout: 60_000 }, async () => {
    const osvDirectory = join(directory, 'osv');
    const kevFile = join(directory, 'kev.json');
    mkdirSync(osvDirectory);
    writeFileSync(join(osvDirectory, 'other.json'), advisory('GHSA-other').replace('"ms"', '"other"'));
    writeFileSync(kevFile, kev('CVE-2000-0001'));
    const settings: VulnerabilitySettings = { kevFile, osvDirectory, reportMaxAgeDays: 14, vexSigners: [] };
    const cache = memoryCache();
    const vulnerabilities = new Vulnerabilities({
      ...{
        settings,
        dataDir: directory,
        cache,
        contents: new ContentsStore({ cache: undefined }),
        clock: Date.now,
        pollMs: 100,
      },
      logger: silentLogger,
      metrics: new Metrics('collector'),
    });
    opened.push(vulnerabilities);
    const told: Papers[] = [];
    const onCompared = ({ after }: { after: Papers }): number => told.push(after);
    const records = recordsWith({ trust, cache, vulnerabilities, onCompared });
    const image = await pushImage(registry);
    await attestSbom({ ...image, key, predicate: sbom, predicateType: 'https://cyclonedx.org/bom' });
    await eventually(async () => {
      const { papers } = await records.lookup(image.query);
      expect(papers.vulnerabilities).toMatchObject({ outcome: 'verified', freshness: 'current', total: 0 });
    });
    writeFileSync(join(osvDirectory, 'ms.json'), advisory('GHSA-ms'));
    await eventually(() => expect(told.at(-1)?.vulnerabilities.total).toBe(1));
    expect((await records.lookup(image.query)).vulnerabilities).toMatchObject([
      { id: 'CVE-2017-20162', aliases: ['GHSA-ms'], fixedVersions: ['2.0.0'], knownExploited: undefined },
    ]);
    writeFileSync(kevFile, kev('CVE-2017-20162'));
    await eventually(() => expect(told.at(-1)?.vulnerabilities.knownExploited).toBe(1));
    writeFileSync(kevFile, '{');
    rmSync(join(osvDirectory, 'ms.json'));
    await eventually(() => expect(told.at(-1)?.vulnerabilities.total).toBe(0));
    expect(vulnerabilities.feedDates.knownExploited).toBe('2026-11-20');
  });
});

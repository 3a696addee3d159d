import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeFixtureLayout } from '../../test/support/fixture-layout.ts';
import { copyFixture, readFixture } from '../../test/support/push-papers.ts';
import { closeRecords, recordsWith } from '../../test/support/records-lab.ts';
import { type RegistryProcess, startRegistry } from '../../test/support/registry.ts';
import type { ImageQuery } from './papers.ts';
import { parseMirror } from './registry/mirrors.ts';

const place = 'registry.example/tallyman/fixture';
const image = (change: Partial<ImageQuery>): ImageQuery => ({
  ...{ reference: '', repoDigests: [], configDigest: '', targetDigest: '', platform: 'linux/amd64', ...change },
});
afterAll(closeRecords);

describe('a folder in the OCI image layout', () => {
  let folder: string;
  let tags: Record<string, string>;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallyman-layout-'));
    tags = writeFixtureLayout(folder, place);
    return () => rmSync(folder, { recursive: true, force: true });
  });
  const lookUp = (query: ImageQuery) => recordsWith({ ociLayouts: [folder], noUpstream: true }).lookup(query);
  const blob = (digest = '') => join(folder, 'blobs', 'sha256', digest.slice(7));

  it('has papers of all places, by digest, by name, and by the config alone', async () => {
    for (const tag of ['bundle', 'legacy', 'oci11', 'index']) {
      const { papers } = await lookUp(image({ repoDigests: [`${place}@${tags[tag]}`] }));
      expect(papers.signature, tag).toMatchObject({ outcome: 'verified', signer: { name: 'release' } });
    }
    const named = await lookUp(image({ reference: `${place}:attested`, byName: true }));
    expect([named.papers.signature.outcome, named.papers.sbom.outcome]).toEqual(['verified', 'verified']);
    const manifest = JSON.parse(readFileSync(blob(tags.bundle), 'utf8')) as { config: { digest: string } };
    const bare = await lookUp(image({ configDigest: manifest.config.digest }));
    expect(bare.papers).toMatchObject({
      signature: { outcome: 'verified' },
      identity: { manifestDigest: tags.bundle },
    });
  });

  it('can say that there is nothing, where no registry is asked', async () => {
    const { papers } = await lookUp(image({ repoDigests: [`${place}@${tags.plain}`] }));
    expect(papers.signature.outcome).toBe('absent');
    const other = await lookUp(image({ repoDigests: [`${place}@sha256:${'7'.repeat(64)}`] }));
    expect(other.papers.signature).toMatchObject({
      outcome: 'unknown',
      reason: expect.stringContaining('no folder of images has it'),
    });
  });

  it('is caught with other bytes than it says, and never followed out of itself', async () => {
    const bundle = image({ repoDigests: [`${place}@${tags.bundle}`] });
    writeFileSync(blob(tags.bundle), readFixture('registry/content.json'));
    expect((await lookUp(bundle)).papers.signature.outcome).toBe('unknown');
    rmSync(blob(tags.bundle));
    symlinkSync('/etc/passwd', blob(tags.bundle));
    expect((await lookUp(bundle)).papers.signature.outcome).toBe('unknown');
    writeFileSync(join(folder, 'index.json'), '{"manifests":');
    expect((await lookUp(bundle)).papers.signature.reason).toContain('index.json is no index');
  });
});

describe('a mirror', () => {
  let registry: RegistryProcess;
  let tags: Record<string, string>;
  beforeAll(async () => {
    registry = await startRegistry();
    tags = await copyFixture({ registry, repository: 'hub/tallyman/fixture' });
    return () => registry.stop();
  });
  const mirrors = () => {
    const mirror = parseMirror(`registry.example=${registry.hostPort}/hub`);
    return 'refused' in mirror ? [] : [mirror];
  };

  it('has the papers of the registry it stands for', async () => {
    const query = image({ repoDigests: [`${place}@${tags.bundle}`] });
    const alone = await recordsWith({ mirrors: mirrors(), noUpstream: true }).lookup(query);
    expect(alone.papers).toMatchObject({ signature: { outcome: 'verified' }, sbom: { outcome: 'absent' } });
    const beside = await recordsWith({ mirrors: mirrors() }).lookup(query);
    expect(beside.papers.signature.outcome).toBe('verified');
    // The registry itself may have more, and could not be asked.
    expect(beside.papers.sbom).toMatchObject({
      outcome: 'unknown',
      reason: expect.stringContaining('registry.example'),
    });
  });
});

describe('parseMirror', () => {
  it('reads hosts and prefixes', () => {
    expect(parseMirror('docker.io=mirror.acme.io/hub')).toEqual({
      ...{ of: 'registry-1.docker.io', host: 'mirror.acme.io', prefix: 'hub' },
    });
    expect(parseMirror('a.io:5000=localhost')).toEqual({ of: 'a.io:5000', host: 'localhost', prefix: '' });
    for (const text of [
      '',
      'a.io',
      'a.io=',
      '=b.io',
      'a.io=b.io=c.io',
      'a=b.io',
      'a.io=b',
      'a.io=b.io/UP',
      'a.io=b io',
    ])
      expect(parseMirror(text), text).toHaveProperty('refused');
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixtureImage } from '../../test/support/papers-lab.ts';
import { copyFixture, fixturePath, type PushTarget } from '../../test/support/push-papers.ts';
import { closeRecords, recordsWith, releaseKey, trustIn } from '../../test/support/records-lab.ts';
import { type RegistryProcess, startRegistry } from '../../test/support/registry.ts';
import type { ImageQuery } from './papers.ts';
import { loadCosignKeys } from './signature/keys.ts';

let registry: RegistryProcess;
let target: PushTarget;
let tags: Record<string, string>;

beforeAll(async () => {
  registry = await startRegistry();
  target = { registry, repository: 'tallyman/fixture' };
  tags = await copyFixture(target);
});

afterAll(async () => {
  closeRecords();
  await registry?.stop();
});

const queryFor = (tag: string): Promise<ImageQuery> => fixtureImage(registry, target.repository, tags, tag);

describe('papers that real cosign, syft and oras left in a real registry', () => {
  it('verifies a cosign 3 bundle made with the pinned key', async () => {
    const { papers } = await recordsWith().lookup(await queryFor('bundle'));
    expect(papers.signature.outcome).toBe('verified');
    expect(papers.signature.signer).toEqual({
      kind: 'key',
      name: 'release',
      keyFingerprint: releaseKey[0]?.fingerprint,
    });
    expect(papers.signature.records).toMatchObject([{ format: 'cosign-bundle', attachedTo: tags.bundle }]);
    expect(papers.sbom.outcome).toBe('absent');
    expect(papers.provenance.outcome).toBe('absent');
    expect(papers.identity).toMatchObject({ manifestDigest: tags.bundle, indexDigest: undefined });
  });

  it.each(['p384', 'rsa', 'ed25519'])(
    'verifies what cosign 3 and cosign 2 signed with a key of kind %s',
    async (kind) => {
      const keys = loadCosignKeys([fixturePath(`keys/${kind}.pub`)]);
      for (const format of ['bundle', 'legacy']) {
        const { papers } = await recordsWith({ trust: trustIn(keys) }).lookup(await queryFor(`${format}-${kind}`));
        expect(papers.signature, format).toMatchObject({ outcome: 'verified', signer: { name: kind } });
      }
    },
  );

  it('calls a bundle of another key untrusted, and with no key pinned says that none is', async () => {
    const stranger = await recordsWith().lookup(await queryFor('bundle-other-key'));
    expect(stranger.papers.signature.outcome).toBe('untrusted');
    expect(stranger.papers.signature.reason).toContain('not made by any pinned key (release)');
    const unpinned = await recordsWith({ trust: trustIn([]) }).lookup(await queryFor('bundle'));
    expect(unpinned.papers.signature.outcome).toBe('untrusted');
    expect(unpinned.papers.signature.reason).toContain('no key is pinned');
  });

  it('verifies legacy signatures from the .sig tag and from an OCI 1.1 referrer', async () => {
    const legacy = await recordsWith().lookup(await queryFor('legacy'));
    expect(legacy.papers.signature.records).toMatchObject([
      { format: 'cosign-legacy', outcome: 'verified', source: `tag ${tags.legacy?.replace(':', '-')}.sig` },
    ]);
    const referrer = await recordsWith().lookup(await queryFor('oci11'));
    expect(referrer.papers.signature.records).toMatchObject([{ format: 'cosign-legacy', outcome: 'verified' }]);
    expect(referrer.papers.signature.records[0]?.source).toMatch(/^referrer sha256:/);
  });

  it('reads a verified SBOM attestation and its provenance, and finds who owns a file', async () => {
    const { papers, sbom } = await recordsWith().lookup(await queryFor('attested'));
    expect(papers.signature.outcome).toBe('verified');
    expect(papers.sbom).toMatchObject({
      outcome: 'verified',
      format: 'spdx-2.3',
      generator: 'syft 1.57.0',
      componentCount: 4,
    });
    expect(papers.sbom.signer?.name).toBe('release');
    expect(papers.provenance).toMatchObject({
      outcome: 'verified',
      predicateType: 'https://slsa.dev/provenance/v1',
      builderId: 'https://ci.example.com/builders/release',
      sourceUri: 'https://git.example.com/acme/fixture',
    });
    expect(sbom?.ownerOf('/bin/sed')).toMatchObject({ state: 'owned', owners: [{ name: 'sed', type: 'deb' }] });
    expect(sbom?.ownerOf('/usr/bin/intruder').state).toBe('unowned');
  });

  it('reads a legacy CycloneDX attestation as verified', async () => {
    const { papers } = await recordsWith().lookup(await queryFor('legacy-attested'));
    expect(papers.sbom).toMatchObject({ outcome: 'verified', format: 'cyclonedx', ownedFileCount: 0 });
    expect(papers.signature.outcome).toBe('absent');
  });

  it('reads unsigned SBOMs from the .sbom tag and from a referrer as untrusted', async () => {
    const tag = await recordsWith().lookup(await queryFor('tag-sbom'));
    expect(tag.papers.sbom).toMatchObject({ outcome: 'untrusted', format: 'syft', componentCount: 4 });
    expect(tag.sbom?.ownerOf('/usr/bin/hello')).toMatchObject({ state: 'owned', method: 'exact' });
    const referrer = await recordsWith().lookup(await queryFor('raw-sbom'));
    expect(referrer.papers.sbom).toMatchObject({
      outcome: 'untrusted',
      format: 'spdx-2.3',
      attachedTo: tags['raw-sbom'],
    });
  });

  it('finds the signature on the index of a multi-platform image', async () => {
    const { papers } = await recordsWith().lookup(await queryFor('index'));
    expect(papers.identity).toMatchObject({ indexDigest: tags.index, manifestDigest: tags.platform });
    expect(papers.signature).toMatchObject({ outcome: 'verified', records: [{ attachedTo: tags.index }] });
  });

  it('says absent for all papers of an image without any', async () => {
    const { papers, sbom } = await recordsWith().lookup(await queryFor('plain'));
    expect([papers.signature.outcome, papers.sbom.outcome, papers.provenance.outcome]).toEqual([
      'absent',
      'absent',
      'absent',
    ]);
    expect(papers.freshForMs).toBe(120_000);
    expect(sbom).toBeUndefined();
  });
});

describe('which image is looked up', () => {
  it('takes a tag only while it leads to the running image', async () => {
    const query = { ...(await queryFor('bundle')), repoDigests: [] };
    expect((await recordsWith().lookup(query)).papers.signature.outcome).toBe('verified');
    const moved = { ...query, configDigest: `sha256:${'a'.repeat(64)}` };
    const { papers } = await recordsWith().lookup(moved);
    expect(papers.signature.outcome).toBe('unknown');
    expect(papers.signature.reason).toContain('now points to another image');
  });

  it('takes a tag for what it points to when a person asks for it by name', async () => {
    const query = { ...(await queryFor('bundle')), repoDigests: [], configDigest: '', targetDigest: '' };
    expect((await recordsWith().lookup(query)).papers.signature.outcome).toBe('unknown');
    const { papers } = await recordsWith().lookup({ ...query, byName: true });
    expect(papers.signature.outcome).toBe('verified');
    expect(papers.identity.manifestDigest).toBe(tags.bundle);
    const malformed = await recordsWith().lookup({ ...query, reference: 'UPPER//case', byName: true });
    expect(malformed.papers.signature).toMatchObject({
      outcome: 'unknown',
      reason: expect.stringContaining('UPPER//case'),
    });
  });

  it('does not believe a repository digest whose config is not the running one', async () => {
    const query = { ...(await queryFor('bundle')), configDigest: `sha256:${'a'.repeat(64)}` };
    expect((await recordsWith().lookup(query)).papers.signature).toMatchObject({ outcome: 'unknown', records: [] });
  });

  it('says unknown and why for an image that no registry is known of', async () => {
    const query = {
      reference: 'bb:latest',
      repoDigests: [],
      configDigest: `sha256:${'b'.repeat(64)}`,
      targetDigest: '',
      platform: 'linux/amd64',
    };
    const { papers } = await recordsWith().lookup(query);
    expect(papers.signature.outcome).toBe('unknown');
    expect(papers.signature.reason).toContain('built or loaded locally');
    expect(papers.sbom.outcome).toBe('unknown');
  });

  it('says unknown when the registry does not answer, and when it has lost the image', async () => {
    const gone = { ...(await queryFor('plain')), repoDigests: [`127.0.0.1:1/x/y@${tags.plain}`] };
    const { papers } = await recordsWith().lookup(gone);
    expect(papers.signature.outcome).toBe('unknown');
    expect(papers.signature.reason).toContain('cannot reach http://127.0.0.1:1');
    const lost = { ...(await queryFor('plain')), repoDigests: [`${registry.hostPort}/none/here@${tags.plain}`] };
    expect((await recordsWith().lookup(lost)).papers.signature).toMatchObject({ outcome: 'unknown' });
  });
});

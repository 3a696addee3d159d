import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseProvenance } from './slsa.ts';

function claimOf(file: string) {
  const path = new URL(`../../../test/fixtures/provenance/statements/${file}`, import.meta.url);
  const { predicateType, predicate } = JSON.parse(readFileSync(path, 'utf8')) as {
    predicateType: string;
    predicate: unknown;
  };
  return parseProvenance(predicateType, predicate);
}

describe('SLSA provenance', () => {
  it('reads v1 of GitHub Actions', () => {
    expect(claimOf('github-v1.json')).toMatchObject({
      builderId: 'https://github.com/actions/runner/github-hosted',
      buildType: 'https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1',
      sourceUri: 'https://github.com/sigstore/sigstore-js',
      ref: 'refs/heads/main',
      commit: 'f0b49a04e5a62250e0f60fb128004a73110fe311',
      workflow: '.github/workflows/release.yml',
      trigger: 'push',
      invocationId: 'https://github.com/sigstore/sigstore-js/actions/runs/5904696764/attempts/1',
      unrecognisedParameters: [],
      dependencyCount: 1,
    });
  });

  it('reads v0.2 of GitHub Actions', () => {
    expect(claimOf('github-v0.2.json')).toMatchObject({
      builderId: 'https://github.com/actions/runner',
      sourceUri: 'git+https://github.com/sigstore/sigstore-js@refs/heads/main',
      ref: 'refs/heads/main',
      commit: 'dae8bd8eb433a4147b4655c00fe73e0f22bc0fb1',
      workflow: '.github/workflows/release.yml',
      trigger: 'push',
      invocationId: '4735384265-1',
      completeness: { parameters: false, environment: false, materials: false },
    });
  });

  it('reads v0.2 of slsa-github-generator, with the other spelling of the invocation', () => {
    expect(claimOf('slsa-github-generator-v0.2.json')).toMatchObject({
      ref: 'refs/tags/v1.2.3',
      commit: '4be1c2d4e5f60718293a4b5c6d7e8f9012345678',
      invocationId: '1234567890-1',
      completeness: { parameters: true },
      trigger: 'push',
    });
  });

  it.each(['max-v1', 'max-v0.2', 'min-v1', 'min-v0.2'])(
    'reads %s of BuildKit, whose client names the source',
    (kind) => {
      const claim = claimOf(`buildkit-${kind}.json`);
      expect(claim).toMatchObject({
        isClientSource: true,
        sourceUri: 'https://github.com/acme/app.git',
        commit: '4be1c2d4e5f60718293a4b5c6d7e8f9012345678',
        invocationId: expect.stringMatching(/^[a-z0-9]{25}$/),
        startedAt: expect.stringMatching(/^2026-/),
        finishedAt: expect.stringMatching(/^2026-/),
        completeness: { parameters: true, materials: false },
        workflow: undefined,
        clientVcs: { source: 'https://github.com/acme/app.git' },
      });
      const isMax = kind.startsWith('max');
      expect(claim.builderId).toBe(isMax ? 'https://ci.example/run/7' : undefined);
      expect(claim.dependencies.map(({ uri, digest }) => [uri, digest?.slice(0, 7)])).toEqual(
        isMax ? [['pkg:docker/127.0.0.1%3A5817/base/tools@1?platform=linux%2Famd64', 'sha256:']] : [],
      );
    },
  );

  it('tells a source that BuildKit fetched from what its client says', () => {
    const remote = claimOf('buildkit-git-v1.json');
    expect(remote).toMatchObject({
      isClientSource: false,
      sourceUri: 'https://github.com/acme/app.git#refs/heads/main',
      ref: 'refs/heads/main',
      invocationId: 'x1v2m3',
      clientVcs: { source: 'https://github.com/acme/other.git', revision: 'ffff' },
      completeness: { parameters: true, materials: true, hermetic: false },
    });
    expect(remote.dependencies[0]?.uri).toMatch(/^pkg:docker/);
  });

  it('names the field that is not of its shape', () => {
    expect(() => parseProvenance('https://slsa.dev/provenance/v1', { buildDefinition: {}, runDetails: {} })).toThrow(
      /runDetails\.builder/,
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from '../../collector/records/registry/challenge.ts';
import { parseDockerConfig } from '../../collector/records/registry/docker-config.ts';
import { parseMirror } from '../../collector/records/registry/mirrors.ts';
import { nextPage } from '../../collector/records/registry/referrers.ts';
import { parseImageReference } from '../../common/image-reference.ts';
import { mutatedBytes, mutatedJson, mutationRuns } from './mutations.ts';

const runs = { numRuns: mutationRuns };
const texts = (original: string): fc.Arbitrary<string> =>
  mutatedBytes(Buffer.from(original)).map((bytes) => bytes.toString('utf8'));

describe('references of images', () => {
  const original = `registry.acme.io:5000/team/app_1.x:4.2.1@sha256:${'0a'.repeat(32)}`;
  it('are refused or have only the characters that a URL and a policy may see', () => {
    fc.assert(
      fc.property(texts(original), (text) => {
        const parsed = parseImageReference(text);
        if ('refused' in parsed) return;
        expect(parsed.registry).toMatch(/^[a-z0-9.:[\]-]+$/);
        expect(parsed.name).toMatch(/^[a-z0-9._/-]{1,255}$/);
        expect(parsed.name.split('/')).not.toContain('..');
        const url = new URL(
          `https://${parsed.registry}/v2/${parsed.name}/manifests/${parsed.digest ?? parsed.tag ?? 'x'}`,
        );
        expect(url.pathname).toMatch(/^\/v2\/[^?#]+\/manifests\/[\w.:-]+$/);
      }),
      runs,
    );
  });

  it('of mirrors as well', () => {
    fc.assert(
      fc.property(texts('docker.io=mirror.acme.io:5000/hub/a'), (text) => {
        const mirror = parseMirror(text);
        if ('refused' in mirror) return;
        expect(mirror.host).toMatch(/^[a-z0-9.:[\]-]+$/);
        expect(mirror.prefix).toMatch(/^[a-z0-9._/-]*$/);
      }),
      runs,
    );
  });
});

describe('challenges', () => {
  it('never hang or throw, and have lower-case names only', () => {
    const original =
      'Basic realm="a, b", BEARER realm="https://auth.acme.io/token?x=\\"y\\"",service="reg,istry",scope="repository:a:pull"';
    fc.assert(
      fc.property(texts(original), (text) => {
        for (const { scheme, parameters } of parseChallenges(text)) {
          expect(scheme).toBe(scheme.toLowerCase());
          for (const name of parameters.keys()) expect(name).toBe(name.toLowerCase());
        }
      }),
      runs,
    );
    for (const text of [
      'a=,'.repeat(100_000),
      '"'.repeat(100_000),
      `Bearer realm="${'\\'.repeat(100_000)}`,
      ' ,'.repeat(1e5),
    ])
      expect(parseChallenges(text).length).toBeLessThan(10_000);
  });
});

describe('Link headers', () => {
  const base = new URL('https://reg.acme.io/v2/a/referrers/x');
  it('lead to a URL, nowhere, or are refused', () => {
    fc.assert(
      fc.property(texts('</v2/a/referrers/x?last=1>; rel="next", <https://b.io/>; rel="prev"'), (text) => {
        let next: string | undefined;
        try {
          next = nextPage(text, base);
        } catch (error) {
          expect(error).toMatchObject({ code: 'REGISTRY_MALFORMED' });
          return;
        }
        if (next !== undefined) expect(URL.canParse(next)).toBe(true);
      }),
      runs,
    );
    expect(nextPage('<'.repeat(16_384), base)).toBeUndefined();
    expect(nextPage(`${'<a>;'.repeat(8_000)} rel=prev`, base)).toBeUndefined();
  });
});

describe('files of credentials', () => {
  const auth = Buffer.from('user:hidden-password').toString('base64');
  const original = {
    auths: { 'reg.acme.io': { auth }, '*.acme.io/team': { identitytoken: 'hidden-token' } },
    credHelpers: { 'b.io': 'ecr-login' },
    credsStore: 'pass',
  };
  it('are read or refused, without a secret in the reason, and never answer for another host', () => {
    fc.assert(
      fc.property(fc.oneof(mutatedJson(original), mutatedBytes(Buffer.from(JSON.stringify(original)))), (bytes) => {
        let config: ReturnType<typeof parseDockerConfig>;
        try {
          config = parseDockerConfig(bytes.toString('utf8'));
        } catch (error) {
          expect(String(error)).not.toMatch(new RegExp(`hidden|${auth}`));
          return;
        }
        for (const host of ['evil.com', 'reg.acme.io.evil.com', 'acme.io', '__proto__', 'constructor'])
          expect(config.authOf(host, 'team/app'), host).toBeUndefined();
        config.helperOf('b.io');
      }),
      runs,
    );
  });
});

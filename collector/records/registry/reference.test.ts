import { describe, expect, it } from 'vitest';
import { parseChallenges } from './challenge.ts';
import { parseReference, repositoryText } from './reference.ts';

const hex = 'a'.repeat(64);

describe('parseReference', () => {
  it.each([
    ['alpine', 'registry-1.docker.io', 'library/alpine', undefined, false],
    ['acme/app:1', 'registry-1.docker.io', 'acme/app', '1', false],
    ['docker.io/alpine:3', 'registry-1.docker.io', 'library/alpine', '3', true],
    ['index.docker.io/acme/app', 'registry-1.docker.io', 'acme/app', undefined, true],
    ['localhost/app', 'localhost', 'app', undefined, true],
    ['127.0.0.1:5000/a/b/c:v1.0', '127.0.0.1:5000', 'a/b/c', 'v1.0', true],
    ['[::1]:5000/app', '[::1]:5000', 'app', undefined, true],
    ['Registry.Acme.io/app__x/y', 'registry.acme.io', 'app__x/y', undefined, true],
    [`docker-pullable://ghcr.io/a/b@sha256:${hex}`, 'ghcr.io', 'a/b', undefined, true],
  ])('reads %s', (text, registry, name, tag, hasRegistry) => {
    expect(parseReference(text)).toMatchObject({ registry, name, tag, hasRegistry });
  });

  it('reads tag and digest together, and shows the hub under its usual name', () => {
    const reference = parseReference(`nginx:1.27@sha256:${hex}`);
    expect(reference).toMatchObject({ tag: '1.27', digest: `sha256:${hex}` });
    expect(repositoryText(reference)).toBe('docker.io/library/nginx');
  });

  it.each([
    '',
    'acme/UPPER',
    'a b',
    'app:',
    'app@sha256:short',
    'app@md5:abc',
    '../../etc/passwd',
    'host:99x/app',
    'http://host/app',
    'a/../b',
    `evil.io/${'x'.repeat(300)}`,
    'host.io/a?b=c',
    'ho st.io/a',
    'evil.io#@good.io/app',
  ])('refuses %j', (text) => {
    expect(() => parseReference(text)).toThrow(/is no image reference/);
  });
});

describe('parseChallenges', () => {
  it('reads commas and escapes in quotes, several schemes, any case', () => {
    const challenges = parseChallenges(
      'BEARER Realm="https://a.io/t?x=1,2",service="a \\"b\\"",scope=x , Basic realm="r"',
    );
    expect(challenges.map(({ scheme }) => scheme)).toEqual(['bearer', 'basic']);
    expect(Object.fromEntries(challenges[0]?.parameters ?? [])).toEqual({
      realm: 'https://a.io/t?x=1,2',
      service: 'a "b"',
      scope: 'x',
    });
  });

  it('survives nonsense of any length', () => {
    expect(parseChallenges(undefined)).toEqual([]);
    expect(parseChallenges('"""')).toEqual([]);
    expect(parseChallenges('Bearer realm="never closed')).toMatchObject([{ scheme: 'bearer' }]);
    expect(parseChallenges(`Bearer ${'a=b,'.repeat(1_000_000)}`).length).toBeLessThan(3);
  });
});

import { expect, it } from 'vitest';
import { dockerConfigPath, parseDockerConfig } from './docker-config.ts';

const auth = Buffer.from('user:pa:ss').toString('base64');
const load = (config: object) => parseDockerConfig(JSON.stringify(config));

it('reads all forms of credentials, for whole host names only', () => {
  const config = load({
    auths: {
      'https://index.docker.io/v1/': { auth },
      'Reg.acme.io:5000': { auth, identitytoken: 'it' },
      'other.io': { registrytoken: 'rt' },
      'azure.io': { auth: Buffer.from('<token>:xyz').toString('base64') },
      'empty.io': {},
      'null.io': null,
    },
  });
  expect(config.authOf('registry-1.docker.io', 'library/a')).toEqual({
    kind: 'basic',
    username: 'user',
    password: 'pa:ss',
  });
  expect(config.authOf('reg.acme.io:5000', 'a')).toEqual({ kind: 'identity-token', token: 'it' });
  expect(config.authOf('other.io', 'a')).toEqual({ kind: 'registry-token', token: 'rt' });
  expect(config.authOf('azure.io', 'a')).toEqual({ kind: 'identity-token', token: 'xyz' });
  for (const host of ['reg.acme.io', 'evildocker.io', 'io', 'empty.io', 'null.io', 'other.io.evil.com', '*'])
    expect(config.authOf(host, 'a'), host).toBeUndefined();
});

it('takes the most specific key of a pull secret: a path, then no wildcard', () => {
  const registrytoken = (token: string) => ({ registrytoken: token });
  const config = load({
    auths: {
      '*.acme.io': registrytoken('wildcard'),
      'reg.acme.io': registrytoken('host'),
      'reg.acme.io/team/': registrytoken('team'),
      'reg.acme.io/team/app': registrytoken('app'),
      'pre*fix.*.org:5000': registrytoken('two'),
    },
  });
  const cases: [string, string, string | undefined][] = [
    ['other.acme.io', 'team/app', 'wildcard'],
    ['reg.acme.io', 'free', 'host'],
    ['reg.acme.io', 'team/x', 'team'],
    ['reg.acme.io', 'teams/x', 'host'],
    ['reg.acme.io', 'team/app/deep', 'app'],
    ['prefix.x.org:5000', 'a', 'two'],
    ['pre-a-fix.x.org:5000', 'a', 'two'],
    ['prefix.x.org', 'a', undefined],
    ['prefi.x.org:5000', 'a', undefined],
    ['a.b.acme.io', 'a', undefined],
    ['acme.io', 'a', undefined],
    ['reg.acme.io.evil.com', 'team/app', undefined],
    ['reg.acme.io:443', 'team/app', undefined],
  ];
  for (const [host, name, token] of cases)
    expect(config.authOf(host, name), `${host}/${name}`).toEqual(
      token === undefined ? undefined : { kind: 'registry-token', token },
    );
});

it('prefers the helper of the host to the common one', () => {
  const config = load({ credHelpers: { 'b.io': 'ecr-login' }, credsStore: 'pass' });
  expect([config.helperOf('b.io'), config.helperOf('c.io')]).toEqual(['ecr-login', 'pass']);
  expect(load({ credsStore: '' }).helperOf('c.io')).toBeUndefined();
});

it('says what is wrong with a broken file and quotes nothing of it', () => {
  expect(() => parseDockerConfig('{"auths":{"a":{"auth":"c2VjcmV0"')).toThrow(/^it is no JSON$/);
  expect(() => load({ auths: { 'a.io': { auth: 7 } } })).toThrow(/wrong type at auths\.a\.io\.auth/);
});

it('follows DOCKER_CONFIG', () => {
  expect(dockerConfigPath({ DOCKER_CONFIG: '/x' })).toBe('/x/config.json');
});

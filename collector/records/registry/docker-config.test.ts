import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { dockerConfigPath, loadDockerCredentials } from './docker-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'tallyman-docker-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(config: unknown) {
  const path = join(folder, 'config.json');
  writeFileSync(path, typeof config === 'string' ? config : JSON.stringify(config));
  return loadDockerCredentials(path);
}
const auth = Buffer.from('user:pa:ss').toString('base64');

describe('loadDockerCredentials', () => {
  it('reads basic, identity and registry tokens by exact host', () => {
    const store = load({
      auths: {
        'https://index.docker.io/v1/': { auth },
        'reg.acme.io:5000': { identitytoken: 'it' },
        'other.io': { registrytoken: 'rt' },
        'azure.io': { auth: Buffer.from('<token>:xyz').toString('base64') },
        'empty.io': {},
      },
    });
    expect(store.find('registry-1.docker.io')).toEqual({ kind: 'basic', username: 'user', password: 'pa:ss' });
    expect(store.find('reg.acme.io:5000')).toEqual({ kind: 'identity-token', token: 'it' });
    expect(store.find('other.io')).toEqual({ kind: 'registry-token', token: 'rt' });
    expect(store.find('azure.io')).toEqual({ kind: 'identity-token', token: 'xyz' });
    for (const host of ['reg.acme.io', 'evildocker.io', 'io', 'empty.io', 'other.io.evil.com'])
      expect(store.find(host), host).toBeUndefined();
  });

  it('knows hosts whose credentials a helper keeps', () => {
    const store = load({ auths: { 'a.io': { auth } }, credHelpers: { 'b.io': 'ecr-login' } });
    expect([store.isHelperOnly('a.io'), store.isHelperOnly('b.io'), store.isHelperOnly('c.io')]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('takes a missing file as no credentials, and says what is wrong with a broken one', () => {
    expect(loadDockerCredentials(join(folder, 'none.json')).find('a.io')).toBeUndefined();
    expect(() => load('{')).toThrow(/cannot use .*config\.json/);
    expect(() => load({ auths: { 'a.io': { auth: 7 } } })).toThrow(/wrong type at auths\.a\.io\.auth/);
  });

  it('follows DOCKER_CONFIG', () => {
    expect(dockerConfigPath({ DOCKER_CONFIG: '/x' })).toBe('/x/config.json');
  });
});

import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CredentialOptions, loadCredentials } from './credential-store.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallyman-credentials-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const repository = { registry: 'reg.acme.io', name: 'team/app' };
const registrytoken = (token: string) => ({ kind: 'registry-token', token });

function write(name: string, content: object | string): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** A real program in a PATH that has nothing else in front. */
function helper(name: string, script: string): void {
  chmodSync(write(`docker-credential-${name}`, `#!/bin/sh\n${script}\n`), 0o755);
}

const load = (config: object, options: Partial<CredentialOptions> = {}) =>
  loadCredentials({
    dockerConfig: write('config.json', config),
    environment: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
    ...options,
  });

describe('credential helpers', () => {
  it('are asked with the host on their input, once for a while', async () => {
    helper('acme', `echo "$1 $(cat)" >> ${folder}/asked; echo '{"ServerURL":"x","Username":"u","Secret":"s"}'`);
    const store = load({ credHelpers: { 'reg.acme.io': 'acme' }, auths: { 'reg.acme.io': { registrytoken: 'old' } } });
    const answers = await Promise.all([store.find(repository), store.find(repository)]);
    for (const answer of answers) expect(answer.credentials).toEqual({ kind: 'basic', username: 'u', password: 's' });
    expect(readFileSync(`${folder}/asked`, 'utf8')).toBe('get reg.acme.io\n');
  });

  it('are given Docker Hub’s own key, and may answer with an identity token', async () => {
    helper('store', `test "$(cat)" = https://index.docker.io/v1/ && echo '{"Username":"<token>","Secret":"id"}'`);
    const store = load({ credsStore: 'store' });
    const hub = { registry: 'registry-1.docker.io', name: 'library/alpine' };
    expect((await store.find(hub)).credentials).toEqual({ kind: 'identity-token', token: 'id' });
  });

  it('that know nothing leave it to "auths"', async () => {
    helper('store', 'echo credentials not found in native keychain; exit 1');
    const store = load({ credsStore: 'store', auths: { 'reg.acme.io': { registrytoken: 't' } } });
    expect(await store.find(repository)).toEqual({ credentials: registrytoken('t'), problem: undefined });
    expect(await store.find({ ...repository, registry: 'b.io' })).toEqual({
      credentials: undefined,
      problem: undefined,
    });
  });

  it('that fail are a problem with its reason, and no secret in it', async () => {
    helper('fails', 'echo no session >&2; exit 3');
    helper('garbled', 'echo \'{"Username":"u","Secret":"hidden"\'');
    helper('floods', 'yes 0123456789');
    helper('hangs', 'sleep 600 & wait');
    for (const [name, reason] of [
      ['fails', 'docker-credential-fails ended with 3: no session'],
      ['garbled', 'docker-credential-garbled answered with something else'],
      ['floods', 'more than 65536 bytes'],
      ['hangs', 'did not answer within 300 ms'],
      ['missing', 'docker-credential-missing is not in PATH'],
      ['../../bin/sh', 'is no name of a credential helper'],
    ] as const) {
      const timeoutMs = name === 'hangs' ? 300 : 10_000;
      const answer = await load({ credsStore: name }, { timeoutMs }).find(repository);
      expect(answer.credentials, name).toBeUndefined();
      expect(answer.problem, name).toContain(reason);
      expect(answer.problem, name).not.toContain('hidden');
    }
  });
});

describe('pull secrets', () => {
  it('come before config.json, as files or as mounted folders', async () => {
    write('.dockerconfigjson', { auths: { '*.acme.io/team': { registrytoken: 'secret' } } });
    const store = load({ auths: { 'reg.acme.io': { registrytoken: 'file' } } }, { pullSecrets: [folder] });
    expect((await store.find(repository)).credentials).toEqual(registrytoken('secret'));
    expect((await store.find({ ...repository, name: 'other' })).credentials).toEqual(registrytoken('file'));
  });

  it('are read again when they change; what breaks is a problem, and the former content serves', async () => {
    const secret = write('secret.json', { auths: { 'reg.acme.io': { registrytoken: 'one' } } });
    const store = load({}, { pullSecrets: [secret] });
    write('secret.json', { auths: { 'reg.acme.io': { registrytoken: 'two, longer' } } });
    expect((await store.find(repository)).credentials).toEqual(registrytoken('two, longer'));
    write('secret.json', '{"auths":');
    expect(await store.find(repository)).toEqual({ credentials: registrytoken('two, longer'), problem: undefined });
    const other = await store.find({ ...repository, registry: 'b.io' });
    expect(other.problem).toContain('it is no JSON');
  });

  it('that are missing at the start are an error; a missing config.json is none', () => {
    expect(() => load({}, { pullSecrets: [join(folder, 'none')] })).toThrow(/cannot use .*none/);
    expect(() => loadCredentials({ dockerConfig: join(folder, 'none') })).not.toThrow();
    expect(() => loadCredentials({ dockerConfig: write('broken.json', '{') })).toThrow(/cannot use .*broken\.json/);
  });
});

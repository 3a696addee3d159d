import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptyLayerTar, layerTar, pushLayeredImage } from '../../test/support/layered-image.ts';
import { readFixture } from '../../test/support/push-papers.ts';
import { type RegistryProcess, startRegistry } from '../../test/support/registry.ts';
import { attachBundle, createBundle, generateSigningKey, signImage } from '../../test/support/sign.ts';
import { runCli } from '../test-support/run-cli.ts';

const key = generateSigningKey();
const repository = 'acme/checkout';
let registry: RegistryProcess;
let folder: string;
let reference: string;
let digest: string;

/** `tallyman verify` with the team's key, as a process of its own. */
const verify = (image: string, ...args: string[]) =>
  runCli(['verify', image, '--key', join(folder, 'team.pub'), '--utc', ...args]);

function policyFile(name: string, images: string): string {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, `version: 1\nname: ${name}\nimages:\n${images}`);
  return file;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tallyman-verify-'));
  writeFileSync(join(folder, 'team.pub'), key.publicKeyPem);
  registry = await startRegistry();
  const target = { registry, repository };
  const base = { registry, repository: 'base/debian' };
  await pushLayeredImage(base, { layers: [layerTar('debian')], tag: '12', created: '2026-10-01T00:00:00Z' });
  const annotations = { 'org.opencontainers.image.base.name': `${registry.hostPort}/base/debian:12` };
  const layers = [layerTar('debian'), emptyLayerTar, layerTar('app')];
  digest = await pushLayeredImage(target, { layers, tag: '4.2.1', annotations });
  reference = `${registry.hostPort}/${repository}:4.2.1`;
  await signImage({ ...target, digest, key, format: 'bundle' });
  const written = JSON.parse(readFixture('../provenance/statements/slsa-github-generator-v0.2.json').toString('utf8'));
  const statement = { ...written, subject: [{ name: repository, digest: { sha256: digest.slice(7) } }] };
  await attachBundle({ ...target, digest }, createBundle(key, statement), statement.predicateType);
}, 60_000);

afterAll(async () => {
  await registry?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('tallyman verify', () => {
  it('verifies what is signed and built as expected, and shows each clause', async () => {
    const policy = policyFile(
      'met',
      `  - match: '*/acme/*'\n    sources: [github.com/acme/*]\n    refs: [refs/tags/v*]\n    registries: ['${registry.hostPort}']\n` +
        `    baseImages: { approved: ['*/base/debian:12'] }\n`,
    );
    const { code, stdout, stderr } = await verify(reference, '--policy', policy);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/signature +✔ verified/);
    expect(stdout).toMatch(/✔ source https:\/\/github\.com\/acme\/app/);
    expect(stdout).toMatch(/base +✔ verified\s+\S+base\/debian:12@sha256:/);
    expect(stdout).toMatch(/✔ everything required is verified: signature, provenance, base, registry/);
  });

  it('names the clause that is not met, with what was expected and found', async () => {
    const policy = policyFile(
      'unmet',
      `  - match: '*/acme/*'\n    sources: [github.com/other/*]\n    requireDigestPin: true\n`,
    );
    const { code, stdout } = await verify(reference, '--policy', policy);
    expect(code).toBe(5);
    const text = stdout.replace(/\s+/g, ' ');
    expect(text).toContain(
      '▲ source: untrusted, expected github.com/other/*, found https://github.com/acme/app, from predicate',
    );
    expect(text).toContain('✘ not verified: provenance is untrusted, pinned is untrusted');
    const pinned = await verify(`${registry.hostPort}/${repository}@${digest}`, '--policy', policy, '--json');
    expect(JSON.parse(pinned.stdout)).toMatchObject({
      identity: { manifestDigest: digest },
      provenance: { outcome: 'untrusted', claim: { commit: '4be1c2d4e5f60718293a4b5c6d7e8f9012345678' } },
      verdict: { outcome: 'not-verified' },
    });
  });

  it('tells what is not there from what could not be looked at', async () => {
    expect((await verify(reference, '--require', 'sbom')).code).toBe(5);
    const gone = await verify(`${registry.hostPort}/acme/nothing:1`);
    expect(gone.code).toBe(6);
    expect(gone.stdout).toMatch(/could not look at signature is unknown/);
    expect((await verify('NOT A REFERENCE')).code).toBe(2);
    expect((await verify(reference, '--require', 'luck')).code).toBe(2);
  });
});

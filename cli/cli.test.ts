import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { version } from '../common/version.ts';
import { repositoryFolder } from './paths.ts';
import { sampleAlert } from './terminal/sample-alert.ts';
import type { FakeApi } from './test-support/fake-api.ts';
import { Refusal, startFakeApi } from './test-support/fake-api.ts';
import { runCli } from './test-support/run-cli.ts';

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});

async function withApi(answers: Record<string, unknown>): Promise<string> {
  api = await startFakeApi(answers);
  return api.url;
}

const unreachable = 'http://127.0.0.1:9';
const id = '01920000-0000-7000-8000-00000000abcd';

describe('tallyman', () => {
  it('runs through a symbolic link from anywhere', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tallyman-link-'));
    try {
      symlinkSync(join(repositoryFolder, 'tallyman'), join(folder, 'tm'));
      const shown = execFileSync(join(folder, 'tm'), ['--version'], { cwd: '/', encoding: 'utf8' });
      expect(shown.trim()).toBe(version);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    { args: ['frobnicate'], says: 'unknown command' },
    { args: ['alerts', '--severity', 'terrible'], says: 'Allowed choices' },
    { args: ['alerts', '--since', 'yesterday-ish'], says: 'Give a span' },
    { args: ['alerts', '--nats-url', 'http://x'], says: 'Give a URL' },
    { args: ['up', '--http', 'nonsense'], says: 'HOST:PORT' },
    { args: ['alert'], says: 'missing required argument' },
  ])('answers wrong usage with 2: $args', async ({ args, says }) => {
    const result = await runCli(args);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain(says);
  });

  it('explains itself with exit code 0', async () => {
    const result = await runCli(['alerts', '--help']);
    expect(result.code).toBe(0);
    expect(result.stdout).toContain('Examples:');
    expect(result.stdout).toContain('Exit codes:');
    expect(result.stdout).toContain('TALLYMAN_NATS_URL');
  });

  it.each([
    ['containers', '--api', unreachable],
    ['image', 'x', '--api', unreachable],
    ['alert', id, '--api', unreachable],
    ['alerts', '--nats-url', 'nats://127.0.0.1:9'],
  ])('answers 4 when nobody is there: %s', async (...args) => {
    const result = await runCli(args);
    expect(result).toMatchObject({ code: 4, stdout: '' });
    expect(result.stderr).toMatch(/^tallyman: cannot (reach|connect)/);
  });
});

describe('tallyman alert', () => {
  it('finds an alert by a part of its id, and tells what else its container did', async () => {
    const other = sampleAlert({ findingId: '01920000-0000-7000-8000-00000000beef' });
    const url = await withApi({ '/api/v1/alerts': { alerts: [sampleAlert(), other] } });
    const result = await runCli(['alert', id.slice(0, -2), '--api', url, '--utc']);
    expect(result.code).toBe(0);
    expect(result.stdout).toContain('times are UTC');
    expect(result.stdout).toContain('other alerts of this container');
    expect(result.stdout).toContain('beef');
  });

  it('refuses a part that fits several, naming them', async () => {
    const other = sampleAlert({ findingId: '01920000-0000-7000-8000-00000000beef' });
    const url = await withApi({ '/api/v1/alerts': { alerts: [sampleAlert(), other] } });
    const result = await runCli(['alert', '0192', '--api', url]);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('beef');
  });

  it('prints the published message with --json', async () => {
    const url = await withApi({ [`/api/v1/alerts/${id}`]: sampleAlert() });
    const result = await runCli(['alert', id, '--api', url, '--json']);
    expect(JSON.parse(result.stdout)).toEqual(sampleAlert());
    expect(result.stdout.trimEnd()).not.toContain('\n');
  });

  it('answers 3 for an alert that does not exist', async () => {
    const url = await withApi({ '/api/v1/alerts': { alerts: [] } });
    expect((await runCli(['alert', 'ffff'], { TALLYMAN_API: url })).code).toBe(3);
  });
});

const containers = [
  {
    id: 'c0ffee'.padEnd(64, '0'),
    name: 'web\u001b[31m',
    namespace: 'docker',
    state: 'running',
    nodeName: 'node-3',
    image: 'registry.acme.io/checkout:4.2.1',
    container: {
      runtime: 'docker',
      image: { reference: 'registry.acme.io/checkout:4.2.1', configDigest: 'sha256:aa' },
    },
  },
];

describe('tallyman containers', () => {
  it('shows containers with the signature of their image, hostile names escaped', async () => {
    const url = await withApi({
      '/api/v1/containers': { containers },
      '/api/v1/images': { images: [{ configDigest: 'sha256:aa', papers: { signature: 'invalid' } }] },
    });
    const result = await runCli(['containers', '--api', url]);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toMatchSnapshot();
    expect(api?.requests[0]).toBe('/api/v1/containers?state=running');
  });

  it('shows the sandboxes of pods only when asked for all', async () => {
    const sandbox = { ...containers[0], name: 'pause', container: { runtime: 'containerd', sandbox: true } };
    const url = await withApi({ '/api/v1/containers': { containers: [sandbox] }, '/api/v1/images': { images: [] } });
    expect((await runCli(['containers', '--api', url])).stdout).not.toContain('pause');
    expect((await runCli(['containers', '--all', '--api', url])).stdout).toMatch(/pause .* containerd /);
  });

  it('calls an image unknown that nobody looked at', async () => {
    const url = await withApi({ '/api/v1/containers': { containers }, '/api/v1/images': { images: [] } });
    expect((await runCli(['containers', '--api', url])).stdout).toContain('? unknown');
  });

  it('prints one document a line with --json', async () => {
    const url = await withApi({ '/api/v1/containers': { containers: [...containers, ...containers] } });
    const lines = (await runCli(['containers', '--json', '--api', url])).stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([...containers, ...containers]);
  });
});

const image = {
  reference: 'registry.acme.io/checkout:4.2.1',
  identity: {
    repository: 'registry.acme.io/checkout',
    manifestDigest: 'sha256:d1b0',
    configDigest: 'sha256:77e2',
    platform: 'linux/amd64',
  },
  signature: {
    outcome: 'verified',
    reason: 'signed with a pinned key',
    signer: { name: 'release.pub', keyFingerprint: `sha256:${'ab'.repeat(32)}` },
    records: [
      {
        outcome: 'invalid',
        format: 'cosign-legacy',
        source: 'tag sha256-d1b0.sig',
        reason: 'payload is for another image',
      },
    ],
  },
  provenance: { outcome: 'absent', reason: 'none was found' },
  sbom: {
    outcome: 'untrusted',
    reason: 'not signed',
    format: 'spdx-2.3',
    componentCount: 312,
    createdAt: '2026-11-21T08:00:00Z',
  },
  checkedAt: '2026-11-23T03:00:00.000Z',
  freshUntil: '2026-11-23T04:00:00.000Z',
  containers: [{ nodeName: 'node-3', name: 'web', running: true }],
};

describe('tallyman image', () => {
  it('shows the papers of an image', async () => {
    const url = await withApi({ '/api/v1/images/registry.acme.io%2Fcheckout%3A4.2.1': image });
    const result = await runCli(['image', image.reference, '--api', url, '--utc']);
    expect(result.code).toBe(0);
    expect(result.stdout).toMatchSnapshot();
  });

  it('says whose a file of an image is, and how that is known', async () => {
    const owner = { purl: 'pkg:deb/debian/dash@0.5.12-2', name: 'dash', version: '0.5.12-2', sourceName: 'dash-src' };
    const owned = {
      ...{ state: 'owned', method: 'alias', confidence: 'high', source: 'inventory', owners: [owner] },
      ...{ path: '/bin/da\u001bsh', canonicalPath: '/usr/bin/dash', layerDigest: 'sha256:1a2b' },
    };
    const unowned = {
      state: 'unowned',
      reason: 'no package of the SBOM claims it',
      source: 'sbom',
      outcome: 'verified',
    };
    const url = await withApi({
      '/api/v1/images/app%3A1/file': {
        ...{ reference: 'app:1', ...owned, declaredDigest: 'md5:00ff', file: { mode: 0o4755 } },
        answers: [
          { ...owned, packages: 90, files: 3000 },
          { ...unowned, packages: 88, files: 2900 },
        ],
      },
    });
    const result = await runCli(['image', 'app:1', '--file', '/bin/dash', '--api', url]);
    expect(result.code).toBe(0);
    expect(result.stdout).toMatchSnapshot();
    const json = await runCli(['image', 'app:1', '--file', '/bin/dash', '--json', '--api', url]);
    expect(JSON.parse(json.stdout)).toMatchObject({ state: 'owned', method: 'alias' });
  });

  it('answers 3 for an image nobody knows', async () => {
    expect((await runCli(['image', 'sha256:ffff', '--api', await withApi({})])).code).toBe(3);
  });

  it('says why the collector refuses', async () => {
    const url = await withApi({ '/api/v1/images/x': new Refusal(401, 'send the token\u001b[2J') });
    const result = await runCli(['image', 'x', '--api', url]);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('send the token\\x1b[2J');
    expect(result.stderr).toContain('--api-token');
  });

  it('does not take another server for a collector', async () => {
    const result = await runCli(['image', 'x', '--api', await withApi({ '/api/v1/images/x': '<html>' })]);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('is this the HTTP address of a Tallyman collector?');
  });
});

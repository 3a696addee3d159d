import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { LearningLab } from '../baseline/testing/learning-lab.ts';
import { Uploads } from '../records/intake/uploads.ts';
import { Readiness } from './readiness.ts';
import { createQueryServer, type QueryServer } from './server.ts';

let directory: string;
let lab: LearningLab;
let server: QueryServer;
let url: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-baseline-api-'));
  lab = new LearningLab(directory);
  server = createQueryServer({
    ...{ listenAddress: '127.0.0.1:0', store: lab.store, baselines: lab.baselines, logger: silentLogger },
    records: { lookup: async () => Promise.reject(new Error('not asked')), peek: () => undefined },
    ...{ readiness: new Readiness(), registries: [], status: () => ({}) },
    uploads: new Uploads(lab.store, new Metrics('collector')),
  });
  url = `${await server.start()}/api/v1/baselines`;
  lab.run('c1');
  lab.executed('c1', '/bin/app');
});
afterEach(async () => {
  await server.close();
  lab.store.close();
  rmSync(directory, { recursive: true, force: true });
});

const yaml = { 'content-type': 'application/yaml' };
const file = () => fetch(`${url}/${lab.head().id}?format=yaml`).then((response) => response.text());
const put = (body: string, headers: Record<string, string> = {}, query = '') =>
  fetch(`${url}/${lab.head().id}${query}`, { method: 'PUT', body, headers: { ...yaml, ...headers } });
const listen = 'listens:\n  - transport: tcp\n    port: 80\n';
const withListen = (text: string): string => text.replace('listens: []\n', listen);

describe('baselines over HTTP', () => {
  it('are listed, all or those of something', async () => {
    const list = (query = '') => fetch(url + query).then((response) => response.json());
    const one = { workload: 'web', repository: 'docker.io/shop/web', state: 'learning', reason: /watched for 0 s/ };
    expect(await list()).toMatchObject({ baselines: [{ ...one, reason: expect.stringMatching(one.reason) }] });
    for (const of of ['web', 'docker.io/shop/web', 'sha256:one', lab.head().id.slice(0, 6)])
      expect(await list(`?of=${encodeURIComponent(of)}`)).toHaveProperty('baselines.length', 1);
    expect(await list('?of=nothing')).toEqual({ baselines: [] });
  });

  it('are shown with all facts', async () => {
    const response = await fetch(`${url}/${lab.head().id}`);
    expect(response.headers.get('etag')).toBe(`"${lab.baselines.versionOf(lab.head().id)}"`);
    expect(await response.json()).toMatchObject({
      facts: [{ kind: 'executable', path: '/bin/app', status: 'learned', reports: 1, note: '' }],
    });
    expect((await fetch(`${url}/0123456789abcdef`)).status).toBe(404);
    expect((await fetch(`${url}/nonsense`)).status).toBe(400);
  });

  it('are what a file says after it was put, and the same file changes nothing', async () => {
    const text = await file();
    expect(await (await put(text)).json()).toMatchObject({ added: [], removed: [], created: false });
    expect(await file()).toBe(text);
    expect(await (await put(withListen(text), {}, '?dryRun=true')).json()).toMatchObject({
      added: [{ kind: 'listen', port: 80 }],
    });
    expect(await file()).toBe(text);
    expect((await put(withListen(text))).status).toBe(200);
    expect(await file()).toContain(listen);
    expect(lab.state()).toBe('ready');
  });

  it('are not overwritten by who started from another version, unless he says so', async () => {
    const text = await file();
    lab.executed('c1', '/bin/other');
    const refused = await put(withListen(text));
    expect([refused.status, await refused.json()]).toMatchObject([
      412,
      { version: lab.baselines.versionOf(lab.head().id) },
    ]);
    expect((await put(withListen(text), { 'if-match': '"0000000000000000"' })).status).toBe(412);
    expect((await put(withListen(text), { 'if-match': '*' })).status).toBe(200);
  });

  it('are frozen, and then nobody changes them', async () => {
    const { id } = lab.head();
    const frozen = await fetch(`${url}/${id}/freeze`, { method: 'POST' });
    expect(await frozen.json()).toMatchObject({ frozen: true, state: 'ready' });
    expect((await put(withListen(await file()))).status).toBe(409);
    expect(await (await fetch(`${url}/${id}/unfreeze`, { method: 'POST' })).json()).toMatchObject({ frozen: false });
  });

  it('take no file that is wrong, of another baseline, or from a web page', async () => {
    const wrong = await put('kind: x\n');
    expect([wrong.status, await wrong.json()]).toMatchObject([422, { errors: { 0: { line: 1, column: 7 } } }]);
    expect((await put((await file()).replace('workload: web', 'workload: other'))).status).toBe(400);
    expect((await put(await file(), { origin: 'https://evil.example' })).status).toBe(403);
    expect((await put('x'.repeat(3_000_000))).status).toBe(413);
    expect((await put(await file(), { 'content-type': 'text/plain' })).status).toBe(415);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Inventory } from '../../common/inventory.ts';
import { InventoryEncoder } from '../../common/inventory-document/encode.ts';
import { sampleInventory } from '../../common/inventory-document/testing/sample-inventory.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { unknownPapers } from '../correlate/unknown-papers.ts';
import { documentKey, inventoryMediaType } from '../inventory/document.ts';
import type { Records, SbomPaper } from '../records/papers.ts';
import { parseSbom } from '../records/sbom/parse.ts';
import { createSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { HttpProblem } from './problem.ts';
import { imageSbomRoutes } from './routes/image-sbom.ts';

const configDigest = `sha256:${'c'.repeat(64)}`;
const manifestDigest = `sha256:${'d'.repeat(64)}`;
let directory: string;
let store: Store;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-sbom-'));
  store = createSqliteStore({ file: join(directory, 'c.db'), logger: silentLogger, metrics: new Metrics('collector') });
});
afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

function appWith(declared: Partial<SbomPaper> = {}): FastifyInstance {
  const records: Records = {
    peek: () => undefined,
    lookup: async (query) => {
      const papers = unknownPapers(query, 'nothing hangs on it', 1_000);
      const identity = { ...papers.identity, repository: 'r.example/app', manifestDigest, configDigest };
      const sbom = { ...papers.sbom, outcome: 'absent' as const, ...declared };
      return { papers: { ...papers, identity, sbom, freshForMs: 1 }, sbom: undefined };
    },
  };
  const app = Fastify();
  app.setErrorHandler((error, _request, reply) =>
    reply.code(error instanceof HttpProblem ? error.status : 500).send((error as Error).message),
  );
  imageSbomRoutes(app, store, records);
  return app;
}

const ask = (app: FastifyInstance, format: string) =>
  app.inject({ url: `/api/v1/images/${encodeURIComponent('r.example/app:1')}/sbom`, query: { format } });

async function keep(inventory: Inventory, digest = configDigest): Promise<void> {
  const encoder = new InventoryEncoder(inventory.layers);
  encoder.addFiles(inventory.files);
  store.putDocument(documentKey(digest), inventoryMediaType, await encoder.finish(inventory));
}

for (const format of ['cyclonedx', 'spdx'])
  test(`the inventory of an image is written as ${format}`, async () => {
    await keep(sampleInventory);
    const answer = await ask(appWith(), format);
    expect(answer).toMatchObject({ statusCode: 200, headers: { 'x-tallyman-sbom-source': 'inventory' } });
    const parsed = parseSbom(answer.rawPayload);
    expect(parsed.name).toBe('r.example/app');
    expect(parsed.contents.components.map(({ name }) => name).toSorted()).toEqual(['bash', 'express', 'libc6']);
    expect(parsed.contents.files.map(({ path }) => path)).toContain('/usr/bin/bash');
    expect(answer.payload).toContain(encodeURIComponent(manifestDigest));
    expect(answer.payload).toContain('Berkeley DB is not read');
  });

test('an inventory that is kept under the manifest digest is found as well', async () => {
  await keep(sampleInventory, manifestDigest);
  expect(await ask(appWith(), 'spdx')).toMatchObject({ headers: { 'x-tallyman-sbom-source': 'inventory' } });
});

test('without an inventory, the declared SBOM is answered as it is, in its own format only', async () => {
  const document = Buffer.from('{"bomFormat":"CycloneDX","specVersion":"1.4"} ');
  store.putDocument('sha256:1', 'application/vnd.cyclonedx+json', document);
  const app = appWith({ outcome: 'untrusted', format: 'cyclonedx', documentDigest: 'sha256:1' });
  for (const format of ['cyclonedx', 'declared']) {
    const answer = await ask(app, format);
    expect(answer).toMatchObject({ statusCode: 200, headers: { 'x-tallyman-sbom-source': 'declared' } });
    expect(answer.rawPayload).toEqual(document);
  }
  expect(await ask(app, 'spdx')).toMatchObject({
    statusCode: 404,
    payload: expect.stringContaining('format=declared'),
  });
});

test('what there is none of, what is damaged, and what cannot be asked are different answers', async () => {
  expect(await ask(appWith(), 'spdx')).toMatchObject({
    statusCode: 404,
    payload: 'there is no inventory of r.example/app:1, and its SBOM is absent: nothing hangs on it',
  });
  expect((await ask(appWith(), 'xml')).statusCode).toBe(400);
  store.putDocument(documentKey(configDigest), inventoryMediaType, Buffer.from('damaged'));
  expect(await ask(appWith(), 'spdx')).toMatchObject({ statusCode: 500, payload: expect.stringContaining('damaged') });
});

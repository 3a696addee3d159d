/**
 * Records what a real registry answers to the look-ups of the fixtures' images, so that tests can play it back without the
 * registry. Usage: node record-registry.ts URL NAME VERSION, with an empty registry at URL (plain HTTP on loopback), for
 * example `registry serve config.yml` of CNCF distribution 3. Writes test/fixtures/papers/recordings/NAME.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { lookUpImage } from '../../collector/records/look-up.ts';
import { RegistryClient } from '../../collector/records/registry/client.ts';
import { noCredentials } from '../../collector/records/registry/credentials.ts';
import { loadCosignKeys } from '../../collector/records/signature/keys.ts';
import { trustOf } from '../../collector/records/trust/trust.ts';
import { fixtureImage } from '../../test/support/papers-lab.ts';
import { copyFixture, digestOf, fixturePath } from '../../test/support/push-papers.ts';
import { isFixtureBlob, type Recording, recordedTags } from '../../test/support/recorded-registry.ts';

const [url = '', name = '', version = ''] = process.argv.slice(2);
const repository = 'tallyman/fixture';
const tags = await copyFixture({ registry: { url }, repository });
const recording: Recording = { registry: name, version, exchanges: [] };

const proxy = createServer((request, response) => {
  void (async () => {
    const { accept } = request.headers;
    const answer = await fetch(new URL(request.url ?? '/', url), { headers: accept === undefined ? {} : { accept } });
    const body = Buffer.from(await answer.arrayBuffer());
    const kept = ['content-type', 'docker-content-digest', 'link', 'oci-subject', 'oci-filters-applied'];
    const headers = Object.fromEntries(
      kept.flatMap((key) => (answer.headers.has(key) ? [[key, answer.headers.get(key) ?? '']] : [])),
    );
    const digest = digestOf(body);
    const content = isFixtureBlob(digest) ? { fixture: digest } : { text: body.toString('utf8') };
    recording.exchanges.push({ path: request.url ?? '/', status: answer.status, headers, ...content });
    response.writeHead(answer.status, headers).end(body);
  })();
});
await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
const hostPort = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
const client = new RegistryClient({
  ...{ insecureRegistries: [], allowedHosts: [], credentials: noCredentials, userAgent: 'tallyman', maxAttempts: 1 },
});
const registry = { hostPort, url: `http://${hostPort}`, stop: () => Promise.resolve() };
const trust = trustOf({ keys: loadCosignKeys([fixturePath('keys/release.pub')]) });
for (const tag of recordedTags) {
  const query = await fixtureImage(registry, repository, tags, tag);
  const { signature, sbom } = await lookUpImage(query, { client, trust, signal: AbortSignal.timeout(20_000) });
  process.stdout.write(`${tag}: signature ${signature.outcome}, SBOM ${sbom.paper.outcome}\n`);
}
client.close();
proxy.close();
proxy.closeAllConnections();
const known = new Map(recording.exchanges.map((exchange) => [exchange.path, exchange]));
const exchanges = [...known.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
mkdirSync(fixturePath('recordings'), { recursive: true });
writeFileSync(fixturePath(`recordings/${name}.json`), `${JSON.stringify({ ...recording, exchanges }, undefined, 1)}\n`);

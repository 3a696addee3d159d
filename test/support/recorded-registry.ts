import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fixturePath, readFixture } from './push-papers.ts';
import type { RegistryProcess } from './registry.ts';

/** What a real registry answered, made by scripts/make-fixtures/record-registry.ts. */
export interface Recording {
  registry: string;
  version: string;
  exchanges: ({ path: string; status: number; headers: Record<string, string> } & (
    | { fixture: string }
    | { text: string }
  ))[];
}

/** Tags of the fixtures whose look-ups are recorded. */
export const recordedTags = ['bundle', 'legacy', 'oci11', 'attested', 'plain', 'index'] as const;

/** Whether a body is among the blobs of test/fixtures/papers/registry, and need not be kept a second time. */
export function isFixtureBlob(digest: string): boolean {
  return existsSync(fixturePath(`registry/blobs/${digest.slice('sha256:'.length)}`));
}

/** Plays a recording back on a free loopback port; what was not recorded is answered with 500, which no test expects. */
export async function playRegistry(name: string): Promise<RegistryProcess & { version: string; unexpected: string[] }> {
  const recording = JSON.parse(readFileSync(fixturePath(`recordings/${name}.json`), 'utf8')) as Recording;
  const exchanges = new Map(recording.exchanges.map((exchange) => [exchange.path, exchange]));
  const unexpected: string[] = [];
  const server = createServer((request, response) => {
    const exchange = exchanges.get(request.url ?? '');
    if (exchange === undefined) {
      unexpected.push(request.url ?? '');
      response.writeHead(500).end();
      return;
    }
    const body = 'text' in exchange ? exchange.text : readFixture(`registry/blobs/${exchange.fixture.slice(7)}`);
    response.writeHead(exchange.status, exchange.headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const hostPort = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { hostPort, url: `http://${hostPort}`, stop, version: recording.version, unexpected };
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RegistryClient, type RegistryClientOptions } from '../../collector/records/registry/client.ts';
import { noCredentials } from '../../collector/records/registry/credentials.ts';
import { sha256Digest } from '../../collector/records/registry/digest.ts';
import type { Repository } from '../../collector/records/registry/reference.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export const manifestType = 'application/vnd.oci.image.manifest.v1+json';
export const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: manifestType,
  config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256Digest(Buffer.from('{}')), size: 2 },
  layers: [],
});
export const manifestDigest = sha256Digest(Buffer.from(manifest));

/** HTTP servers that answer as a test says, and clients to ask them; `close` ends them all. */
export class HostileLab {
  readonly #servers: Server[] = [];
  readonly #clients: RegistryClient[] = [];

  async serve(handler: Handler): Promise<Repository> {
    const server = createServer(handler);
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { registry: `127.0.0.1:${(server.address() as AddressInfo).port}`, name: 'acme/app' };
  }

  createClient(overrides: Partial<RegistryClientOptions> = {}): RegistryClient {
    const client = new RegistryClient({
      insecureRegistries: [],
      allowedHosts: [],
      credentials: noCredentials,
      userAgent: 'test',
      requestTimeoutMs: 5000,
      maxAttempts: 1,
      ...overrides,
    });
    this.#clients.push(client);
    return client;
  }

  async fetchManifest(repository: Repository, overrides: Partial<RegistryClientOptions> = {}): Promise<unknown> {
    return this.createClient(overrides).getManifest(repository, manifestDigest, deadline());
  }

  async close(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.close();
    for (const server of this.#servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
}

export const deadline = (): AbortSignal => AbortSignal.timeout(10_000);

export const answer =
  (status: number, body: string, headers: Record<string, string> = {}): Handler =>
  (_request, response) =>
    void response.writeHead(status, headers).end(body);

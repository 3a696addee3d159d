import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { RegistryClient, type RegistryClientOptions } from './client.ts';
import { sha256Digest } from './digest.ts';
import { noCredentials } from './docker-config.ts';
import type { Repository } from './reference.ts';
import { listReferrers } from './referrers.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: manifestType,
  config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256Digest(Buffer.from('{}')), size: 2 },
  layers: [],
});
const digest = sha256Digest(Buffer.from(manifest));
const servers: Server[] = [];
const clients: RegistryClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(handler: Handler): Promise<Repository> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { registry: `127.0.0.1:${(server.address() as AddressInfo).port}`, name: 'acme/app' };
}

function createClient(overrides: Partial<RegistryClientOptions> = {}): RegistryClient {
  const client = new RegistryClient({
    insecureRegistries: [],
    allowedHosts: [],
    credentials: noCredentials,
    userAgent: 'test',
    requestTimeoutMs: 5000,
    maxAttempts: 1,
    ...overrides,
  });
  clients.push(client);
  return client;
}

const signal = (): AbortSignal => AbortSignal.timeout(10_000);

function fetchManifest(repository: Repository, overrides: Partial<RegistryClientOptions> = {}): Promise<unknown> {
  return createClient(overrides).getManifest(repository, digest, signal());
}

const answer =
  (status: number, body: string, headers: Record<string, string> = {}): Handler =>
  (_request, response) =>
    void response.writeHead(status, headers).end(body);

describe('a registry that lies, fails or floods', () => {
  it('answers 404 as a result, not as an error', async () => {
    expect(await fetchManifest(await serve(answer(404, 'page not found')))).toBeUndefined();
  });

  it('is caught answering other bytes than asked for, for manifests and blobs', async () => {
    const lying = await serve(
      answer(200, `${manifest} `, { 'docker-content-digest': digest, 'content-type': manifestType }),
    );
    await expect(fetchManifest(lying)).rejects.toMatchObject({ code: 'REGISTRY_DIGEST_MISMATCH' });
    const blob = createClient().getBlob(lying, digest, 1000, signal());
    await expect(blob).rejects.toThrow(/expected sha256:.*found sha256:/);
  });

  it('is refused when it answers a web page, no JSON, half a JSON or JSON of another shape', async () => {
    const page = '<html>login</html>';
    const other = '{"schemaVersion":2,"manifests":[],"layers":[]}';
    const cases: [string, string, string][] = [
      [page, 'text/html; charset=utf-8', 'REGISTRY_CONTENT_TYPE'],
      [page, 'application/json', 'REGISTRY_NOT_JSON'],
      [manifest.slice(0, 60), manifestType, 'REGISTRY_NOT_JSON'],
      ['[]', manifestType, 'REGISTRY_MALFORMED'],
      [other, manifestType, 'REGISTRY_MALFORMED'],
      [
        '{"schemaVersion":1,"signatures":[]}',
        'application/vnd.docker.distribution.manifest.v1+json',
        'REGISTRY_MALFORMED',
      ],
    ];
    for (const [body, type, code] of cases) {
      const repository = await serve(answer(200, body, { 'content-type': type }));
      await expect(createClient().getManifest(repository, 'latest', signal()), body).rejects.toMatchObject({ code });
    }
  });

  it('is cut off while it streams two gigabytes as a manifest, with and without a length', async () => {
    let sentBytes = 0;
    const flood: Handler = (_request, response) => {
      const chunk = Buffer.alloc(64 * 1024, 0x20);
      const pump = (): void => {
        while (sentBytes < 2 ** 31 && !response.destroyed) {
          sentBytes += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', pump);
        }
      };
      response.writeHead(200, { 'content-type': manifestType });
      pump();
    };
    await expect(fetchManifest(await serve(flood))).rejects.toMatchObject({ code: 'REGISTRY_TOO_LARGE' });
    expect(sentBytes).toBeLessThan(64 * 1024 * 1024);
    const announced = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': String(2 ** 31) });
      response.write('x');
    });
    await expect(fetchManifest(announced)).rejects.toMatchObject({ code: 'REGISTRY_TOO_LARGE' });
  });

  it('times out when it sends nothing, or a byte now and then', async () => {
    const silent = await serve(() => undefined);
    await expect(fetchManifest(silent, { requestTimeoutMs: 200 })).rejects.toMatchObject({ code: 'REGISTRY_TIMEOUT' });
    const slow = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': manifestType });
      const timer = setInterval(() => response.write(' '), 20);
      response.once('close', () => clearInterval(timer));
    });
    await expect(fetchManifest(slow, { requestTimeoutMs: 300 })).rejects.toMatchObject({ code: 'REGISTRY_TIMEOUT' });
  });

  it('ends early: that is truncated, not a short manifest', async () => {
    const truncated = await serve((request, response) => {
      response.writeHead(200, { 'content-length': String(manifest.length) });
      response.write(manifest.slice(0, 20), () => request.socket.destroy());
    });
    const { code } = (await fetchManifest(truncated).catch((error: unknown) => error)) as { code: string };
    expect(['REGISTRY_TRUNCATED', 'REGISTRY_UNREACHABLE']).toContain(code);
  });

  it('is asked again after 500 and 429, but not for ever, and not when it wants too long a pause', async () => {
    let asked = 0;
    const recovering = await serve((_request, response) => {
      asked++;
      if (asked < 3) answer(asked === 1 ? 500 : 429, 'busy', { 'retry-after': '0' })(_request, response);
      else answer(200, manifest, { 'content-type': manifestType })(_request, response);
    });
    expect(await fetchManifest(recovering, { maxAttempts: 3 })).toMatchObject({ digest });
    let failures = 0;
    const broken = await serve((request, response) => {
      failures++;
      answer(503, '')(request, response);
    });
    await expect(fetchManifest(broken, { maxAttempts: 3 })).rejects.toMatchObject({ code: 'REGISTRY_SERVER_ERROR' });
    expect(failures).toBe(3);
    const patient = await serve(answer(429, '', { 'retry-after': '3600' }));
    await expect(fetchManifest(patient, { maxAttempts: 3 })).rejects.toMatchObject({ code: 'REGISTRY_RATE_LIMITED' });
  });

  it('takes the memory of what it served by digest, and asks again for tags', async () => {
    let asked = 0;
    const repository = await serve((request, response) => {
      asked++;
      answer(200, manifest, { 'content-type': manifestType })(request, response);
    });
    const client = createClient();
    await client.getManifest(repository, digest, signal());
    await client.getManifest(repository, digest, signal());
    expect(asked).toBe(1);
    await client.getManifest(repository, 'latest', signal());
    await client.getManifest(repository, 'latest', signal());
    expect(asked).toBe(3);
  });
});

describe('redirects', () => {
  it('are followed to another origin without the password', async () => {
    const seen: (string | undefined)[] = [];
    const storage = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end('{}');
    });
    const registry = await serve((request, response) => {
      if (request.headers.authorization === undefined)
        return void response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
      seen.push(request.headers.authorization);
      response.writeHead(307, { location: `http://${storage.registry}/bucket` }).end();
    });
    const credentials = {
      find: () => ({ kind: 'basic', username: 'u', password: 'p' }) as const,
      isHelperOnly: () => false,
    };
    const blob = await createClient({ credentials }).getBlob(registry, sha256Digest(Buffer.from('{}')), 100, signal());
    expect(blob?.toString()).toBe('{}');
    expect(seen).toEqual(['Basic dTpw', undefined]);
  });

  it('that never end, or go in a circle, are an error', async () => {
    let hops = 0;
    const endless = await serve(
      (_request, response) => void response.writeHead(302, { location: `/next/${hops++}` }).end(),
    );
    await expect(fetchManifest(endless)).rejects.toMatchObject({ code: 'REGISTRY_REDIRECT_LOOP' });
    expect(hops).toBeLessThan(8);
    const circle = await serve((request, response) => void response.writeHead(302, { location: request.url }).end());
    await expect(fetchManifest(circle)).rejects.toMatchObject({ code: 'REGISTRY_REDIRECT_LOOP' });
  });

  it('to metadata addresses, private hosts and other schemes are refused', async () => {
    const places = {
      'http://169.254.169.254/latest/meta-data/': 'REGISTRY_HOST_REFUSED',
      'https://169.254.169.254/': 'REGISTRY_HOST_REFUSED',
      'https://[fd00:ec2::254]/': 'REGISTRY_HOST_REFUSED',
      'https://[::ffff:169.254.169.254]/': 'REGISTRY_HOST_REFUSED',
      'https://10.0.0.7/': 'REGISTRY_HOST_REFUSED',
      'https://2852039166/': 'REGISTRY_HOST_REFUSED',
      'http://example.com/': 'REGISTRY_HOST_REFUSED',
      'file:///etc/passwd': 'REGISTRY_REDIRECT_REFUSED',
      'https://user:pw@example.com/': 'REGISTRY_REDIRECT_REFUSED',
    };
    for (const [location, code] of Object.entries(places)) {
      const repository = await serve((_request, response) => void response.writeHead(307, { location }).end());
      await expect(fetchManifest(repository), location).rejects.toMatchObject({ code });
    }
  });
});

describe('signing in', () => {
  it('gets an anonymous token, uses it, and keeps it', async () => {
    const asked: string[] = [];
    const repository = await serve((request, response) => {
      const url = request.url ?? '';
      asked.push(url);
      if (url.startsWith('/token')) return void response.end(JSON.stringify({ token: 'abc', expires_in: 300 }));
      if (request.headers.authorization === 'Bearer abc') return void response.end(manifest);
      const realm = `http://${request.headers.host}/token`;
      response.writeHead(401, { 'www-authenticate': `bearer realm="${realm}",service="a,b",scope="x"` }).end();
    });
    const client = createClient();
    await client.getManifest(repository, 'one', signal());
    await client.getManifest(repository, 'two', signal());
    expect(asked.filter((url) => url.startsWith('/token'))).toEqual([
      '/token?service=a%2Cb&scope=repository%3Aacme%2Fapp%3Apull',
    ]);
    expect(asked).toHaveLength(4);
  });

  it('never follows a realm to a metadata address, to plain HTTP or to nothing', async () => {
    for (const [realm, code] of [
      ['http://169.254.169.254/token', 'REGISTRY_HOST_REFUSED'],
      ['https://169.254.169.254/token', 'REGISTRY_HOST_REFUSED'],
      ['http://example.com/token', 'REGISTRY_HOST_REFUSED'],
      ['', 'REGISTRY_CHALLENGE'],
    ]) {
      const repository = await serve(answer(401, '', { 'www-authenticate': `Bearer realm="${realm}"` }));
      await expect(fetchManifest(repository), realm).rejects.toMatchObject({ code });
    }
  });

  it('says denied, with what to do, when there is nothing to sign in with or it does not help', async () => {
    const basic = await serve(answer(401, '', { 'www-authenticate': 'Basic realm="r"' }));
    await expect(fetchManifest(basic)).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
      hint: expect.stringContaining('docker login'),
    });
    const forbidden = await serve(answer(403, ''));
    await expect(fetchManifest(forbidden)).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
  });
});

describe('listing referrers', () => {
  const entry = (hex: string): object => ({ mediaType: manifestType, digest: `sha256:${hex.repeat(64)}`, size: 1 });
  const indexBody = (...entries: object[]): string => JSON.stringify({ schemaVersion: 2, manifests: entries });

  it('follows all pages', async () => {
    const repository = await serve((request, response) => {
      const isSecond = request.url?.includes('page=2');
      if (!isSecond) response.setHeader('link', `<${request.url}?page=2>; rel="next"`);
      response.end(indexBody(entry(isSecond ? 'b' : 'a')));
    });
    const { descriptors, via } = await listReferrers(createClient(), repository, digest, signal());
    expect(via).toBe('api');
    expect(descriptors.map((descriptor) => descriptor.digest.slice(7, 9))).toEqual(['aa', 'bb']);
  });

  it('does not follow pages without end, or to another host', async () => {
    const endless = await serve((request, response) => {
      response.setHeader('link', `<${request.url}x>; rel="next"`);
      response.end(indexBody());
    });
    await expect(listReferrers(createClient(), endless, digest, signal())).rejects.toMatchObject({
      code: 'REGISTRY_TOO_LARGE',
    });
    const elsewhere = await serve((_request, response) => {
      response.setHeader('link', '<https://example.com/v2/x>; rel="next"');
      response.end(indexBody());
    });
    await expect(listReferrers(createClient(), elsewhere, digest, signal())).rejects.toMatchObject({
      code: 'REGISTRY_MALFORMED',
    });
  });

  it('looks at the tag when the API is missing or has nothing, and refuses a tag that is no index', async () => {
    const tagged = (apiStatus: number, body: string): Promise<Repository> =>
      serve((request, response) => {
        if (request.url?.includes('/referrers/')) answer(apiStatus, indexBody())(request, response);
        else answer(200, body, { 'content-type': 'application/vnd.oci.image.index.v1+json' })(request, response);
      });
    for (const status of [404, 200]) {
      const listed = await listReferrers(createClient(), await tagged(status, indexBody(entry('c'))), digest, signal());
      expect(listed).toMatchObject({ via: 'tag', descriptors: [{ digest: `sha256:${'c'.repeat(64)}` }] });
    }
    const wrong = await serve((request, response) => {
      const isApi = request.url?.includes('/referrers/');
      answer(isApi ? 404 : 200, manifest, { 'content-type': manifestType })(request, response);
    });
    await expect(listReferrers(createClient(), wrong, digest, signal())).rejects.toMatchObject({
      code: 'REGISTRY_MALFORMED',
    });
  });
});

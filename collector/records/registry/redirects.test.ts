import { afterEach, describe, expect, it } from 'vitest';
import { answer, deadline, HostileLab, manifest } from '../../../test/support/hostile-lab.ts';
import { sha256Digest } from './digest.ts';

const lab = new HostileLab();
afterEach(() => lab.close());

describe('redirects', () => {
  it('are followed to another origin without the password', async () => {
    const seen: (string | undefined)[] = [];
    const storage = await lab.serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end('{}');
    });
    const registry = await lab.serve((request, response) => {
      if (request.headers.authorization === undefined)
        return void response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
      seen.push(request.headers.authorization);
      response.writeHead(307, { location: `http://${storage.registry}/bucket` }).end();
    });
    const credentials = {
      find: () =>
        Promise.resolve({
          credentials: { kind: 'basic', username: 'u', password: 'p' } as const,
          problem: undefined,
        }),
    };
    const blob = await lab
      .createClient({ credentials })
      .getBlob(registry, sha256Digest(Buffer.from('{}')), 100, deadline());
    expect(blob?.toString()).toBe('{}');
    expect(seen).toEqual(['Basic dTpw', undefined]);
  });

  it('that never end, or go in a circle, are an error', async () => {
    let hops = 0;
    const endless = await lab.serve(
      (_request, response) => void response.writeHead(302, { location: `/next/${hops++}` }).end(),
    );
    await expect(lab.fetchManifest(endless)).rejects.toMatchObject({ code: 'REGISTRY_REDIRECT_LOOP' });
    expect(hops).toBeLessThan(8);
    const circle = await lab.serve(
      (request, response) => void response.writeHead(302, { location: request.url }).end(),
    );
    await expect(lab.fetchManifest(circle)).rejects.toMatchObject({ code: 'REGISTRY_REDIRECT_LOOP' });
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
      const repository = await lab.serve((_request, response) => void response.writeHead(307, { location }).end());
      await expect(lab.fetchManifest(repository), location).rejects.toMatchObject({ code });
    }
  });
});

describe('signing in', () => {
  it('gets an anonymous token, uses it, and keeps it', async () => {
    const asked: string[] = [];
    const repository = await lab.serve((request, response) => {
      const url = request.url ?? '';
      asked.push(url);
      if (url.startsWith('/token')) return void response.end(JSON.stringify({ token: 'abc', expires_in: 300 }));
      if (request.headers.authorization === 'Bearer abc') return void response.end(manifest);
      const realm = `http://${request.headers.host}/token`;
      response.writeHead(401, { 'www-authenticate': `bearer realm="${realm}",service="a,b",scope="x"` }).end();
    });
    const client = lab.createClient();
    await client.getManifest(repository, 'one', deadline());
    await client.getManifest(repository, 'two', deadline());
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
      const repository = await lab.serve(answer(401, '', { 'www-authenticate': `Bearer realm="${realm}"` }));
      await expect(lab.fetchManifest(repository), realm).rejects.toMatchObject({ code });
    }
  });

  it('says denied, with what to do, when there is nothing to sign in with or it does not help', async () => {
    const basic = await lab.serve(answer(401, '', { 'www-authenticate': 'Basic realm="r"' }));
    await expect(lab.fetchManifest(basic)).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
      hint: expect.stringContaining('docker login'),
    });
    const forbidden = await lab.serve(answer(403, ''));
    await expect(lab.fetchManifest(forbidden)).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
  });
});

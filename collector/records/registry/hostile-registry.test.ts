import { afterEach, describe, expect, it } from 'vitest';
import {
  answer,
  deadline,
  type Handler,
  HostileLab,
  manifest,
  manifestDigest,
  manifestType,
} from '../../../test/support/hostile-lab.ts';

const lab = new HostileLab();
afterEach(() => lab.close());

describe('a registry that lies, fails or floods', () => {
  it('answers 404 as a result, not as an error', async () => {
    expect(await lab.fetchManifest(await lab.serve(answer(404, 'page not found')))).toBeUndefined();
  });

  it('is caught answering other bytes than asked for, for manifests and blobs', async () => {
    const lying = await lab.serve(
      answer(200, `${manifest} `, { 'docker-content-digest': manifestDigest, 'content-type': manifestType }),
    );
    await expect(lab.fetchManifest(lying)).rejects.toMatchObject({ code: 'REGISTRY_DIGEST_MISMATCH' });
    const blob = lab.createClient().getBlob(lying, manifestDigest, 1000, deadline());
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
      const repository = await lab.serve(answer(200, body, { 'content-type': type }));
      await expect(lab.createClient().getManifest(repository, 'latest', deadline()), body).rejects.toMatchObject({
        code,
      });
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
    await expect(lab.fetchManifest(await lab.serve(flood))).rejects.toMatchObject({ code: 'REGISTRY_TOO_LARGE' });
    expect(sentBytes).toBeLessThan(64 * 1024 * 1024);
    const announced = await lab.serve((_request, response) => {
      response.writeHead(200, { 'content-length': String(2 ** 31) });
      response.write('x');
    });
    await expect(lab.fetchManifest(announced)).rejects.toMatchObject({ code: 'REGISTRY_TOO_LARGE' });
  });

  it('times out when it sends nothing, or a byte now and then', async () => {
    const silent = await lab.serve(() => undefined);
    await expect(lab.fetchManifest(silent, { requestTimeoutMs: 200 })).rejects.toMatchObject({
      code: 'REGISTRY_TIMEOUT',
    });
    const slow = await lab.serve((_request, response) => {
      response.writeHead(200, { 'content-type': manifestType });
      const timer = setInterval(() => response.write(' '), 20);
      response.once('close', () => clearInterval(timer));
    });
    await expect(lab.fetchManifest(slow, { requestTimeoutMs: 300 })).rejects.toMatchObject({
      code: 'REGISTRY_TIMEOUT',
    });
  });

  it('ends early: that is truncated, not a short manifest', async () => {
    const truncated = await lab.serve((request, response) => {
      response.writeHead(200, { 'content-length': String(manifest.length) });
      response.write(manifest.slice(0, 20), () => request.socket.destroy());
    });
    const { code } = (await lab.fetchManifest(truncated).catch((error: unknown) => error)) as { code: string };
    expect(['REGISTRY_TRUNCATED', 'REGISTRY_UNREACHABLE']).toContain(code);
  });

  it('is asked again after 500 and 429, but not for ever, and not when it wants too long a pause', async () => {
    let asked = 0;
    const recovering = await lab.serve((_request, response) => {
      asked++;
      if (asked < 3) answer(asked === 1 ? 500 : 429, 'busy', { 'retry-after': '0' })(_request, response);
      else answer(200, manifest, { 'content-type': manifestType })(_request, response);
    });
    expect(await lab.fetchManifest(recovering, { maxAttempts: 3 })).toMatchObject({ digest: manifestDigest });
    let failures = 0;
    const broken = await lab.serve((request, response) => {
      failures++;
      answer(503, '')(request, response);
    });
    await expect(lab.fetchManifest(broken, { maxAttempts: 3 })).rejects.toMatchObject({
      code: 'REGISTRY_SERVER_ERROR',
    });
    expect(failures).toBe(3);
    const patient = await lab.serve(answer(429, '', { 'retry-after': '3600' }));
    await expect(lab.fetchManifest(patient, { maxAttempts: 3 })).rejects.toMatchObject({
      code: 'REGISTRY_RATE_LIMITED',
    });
  });

  it('takes the memory of what it served by manifestDigest, and asks again for tags', async () => {
    let asked = 0;
    const repository = await lab.serve((request, response) => {
      asked++;
      answer(200, manifest, { 'content-type': manifestType })(request, response);
    });
    const client = lab.createClient();
    await client.getManifest(repository, manifestDigest, deadline());
    await client.getManifest(repository, manifestDigest, deadline());
    expect(asked).toBe(1);
    await client.getManifest(repository, 'latest', deadline());
    await client.getManifest(repository, 'latest', deadline());
    expect(asked).toBe(3);
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import {
  answer,
  deadline,
  HostileLab,
  manifest,
  manifestDigest,
  manifestType,
} from '../../../test/support/hostile-lab.ts';
import type { Repository } from './reference.ts';
import { listReferrers } from './referrers.ts';

const lab = new HostileLab();
afterEach(() => lab.close());

describe('listing referrers', () => {
  const entry = (hex: string): object => ({ mediaType: manifestType, digest: `sha256:${hex.repeat(64)}`, size: 1 });
  const indexBody = (...entries: object[]): string => JSON.stringify({ schemaVersion: 2, manifests: entries });

  it('follows all pages', async () => {
    const repository = await lab.serve((request, response) => {
      const isSecond = request.url?.includes('page=2');
      if (!isSecond) response.setHeader('link', `<${request.url}?page=2>; rel="next"`);
      response.end(indexBody(entry(isSecond ? 'b' : 'a')));
    });
    const { descriptors, via } = await listReferrers(lab.createClient(), repository, manifestDigest, deadline());
    expect(via).toBe('api');
    expect(descriptors.map((descriptor) => descriptor.digest.slice(7, 9))).toEqual(['aa', 'bb']);
  });

  it('does not follow pages without end, or to another host', async () => {
    const endless = await lab.serve((request, response) => {
      response.setHeader('link', `<${request.url}x>; rel="next"`);
      response.end(indexBody());
    });
    await expect(listReferrers(lab.createClient(), endless, manifestDigest, deadline())).rejects.toMatchObject({
      code: 'REGISTRY_TOO_LARGE',
    });
    const elsewhere = await lab.serve((_request, response) => {
      response.setHeader('link', '<https://example.com/v2/x>; rel="next"');
      response.end(indexBody());
    });
    await expect(listReferrers(lab.createClient(), elsewhere, manifestDigest, deadline())).rejects.toMatchObject({
      code: 'REGISTRY_MALFORMED',
    });
  });

  it('looks at the tag when the API is missing or has nothing, and refuses a tag that is no index', async () => {
    const tagged = (apiStatus: number, body: string): Promise<Repository> =>
      lab.serve((request, response) => {
        if (request.url?.includes('/referrers/')) answer(apiStatus, indexBody())(request, response);
        else answer(200, body, { 'content-type': 'application/vnd.oci.image.index.v1+json' })(request, response);
      });
    for (const status of [404, 200]) {
      const listed = await listReferrers(
        lab.createClient(),
        await tagged(status, indexBody(entry('c'))),
        manifestDigest,
        deadline(),
      );
      expect(listed).toMatchObject({ via: 'tag', descriptors: [{ digest: `sha256:${'c'.repeat(64)}` }] });
    }
    const wrong = await lab.serve((request, response) => {
      const isApi = request.url?.includes('/referrers/');
      answer(isApi ? 404 : 200, manifest, { 'content-type': manifestType })(request, response);
    });
    await expect(listReferrers(lab.createClient(), wrong, manifestDigest, deadline())).rejects.toMatchObject({
      code: 'REGISTRY_MALFORMED',
    });
  });
});

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { ContentsStore } from '../../records/contents/contents-store.ts';
import type { StoredContents } from '../../records/contents/stored-contents.ts';
import { HttpProblem, parseParameters } from '../problem.ts';

const text = z.string().min(1).max(4_096);
const limit = z.coerce.number().int().min(1).max(10_000).default(1_000);
const byPackage = z.union([
  z.strictObject({ purl: text, limit }),
  z.strictObject({ name: text, version: text.optional(), type: text.optional(), limit }),
]);
const filesOfPackage = z.strictObject({
  image: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be a digest'),
  purl: text,
  limit,
});

/** Which images contain a package, and which of an image's files are its. */
export function packageRoutes(app: FastifyInstance, contents: ContentsStore): void {
  app.get('/api/v1/packages', async (request) => {
    const { limit: most, ...query } = parseParameters(byPackage, request.query);
    const found = contents.imagesWithPackage(query, most + 1);
    return { images: found.slice(0, most), truncated: found.length > most };
  });

  app.get('/api/v1/packages/files', async (request) => {
    const { image, purl, limit: most } = parseParameters(filesOfPackage, request.query);
    const known = contents.get(image, 'inventory') ?? contents.get(image, 'sbom');
    const number = known?.components.findIndex((component) => component.purl === purl) ?? -1;
    if (known === undefined || number < 0)
      throw new HttpProblem(404, 'No such package', `nothing is known of ${purl} in the image ${image}`);
    return { source: known.source, ...pathsOf(known, number, most) };
  });
}

function pathsOf(contents: StoredContents, component: number, most: number): { paths: string[]; truncated: boolean } {
  const paths: string[] = [];
  for (const { path } of contents.filesOf(component)) {
    if (paths.length >= most) return { paths, truncated: true };
    paths.push(path);
  }
  return { paths, truncated: false };
}

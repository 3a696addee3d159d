import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { ContentsIndex } from '../../records/contents/contents.ts';
import { ownerInImage } from '../../records/contents/owner-in-image.ts';
import type { ImageRecords, Ownership, Records } from '../../records/papers.ts';
import type { Store } from '../../store/store.ts';
import { parseParameters } from '../problem.ts';
import { findImage, reference } from './images.ts';

const imageParameters = z.strictObject({ ref: reference });
const fileParameters = z.strictObject({
  path: z.string().min(1).max(4_096).startsWith('/', 'must be absolute'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits')
    .optional(),
});

/** Which package a file of an image belongs to. */
export function imageFileRoutes(app: FastifyInstance, store: Store, records: Records): void {
  app.get('/api/v1/images/:ref/file', async (request) => {
    const { ref } = parseParameters(imageParameters, request.params);
    const { path, sha256 } = parseParameters(fileParameters, request.query);
    const { query } = findImage(store, ref);
    const found = await records.lookup(query);
    return {
      reference: query.reference,
      identity: found.papers.identity,
      ...ownerInImage(found, path, sha256),
      file: fileOf(found, path),
      answers: answersOf(found, path, sha256),
    };
  });
}

/** What is known of the file itself, whoever owns it. */
function fileOf({ inventory, sbom }: ImageRecords, path: string): object | undefined {
  const file = attempt(inventory, path) ?? attempt(sbom, path);
  if (file === undefined) return undefined;
  const { linkTarget, mode, digest, layerDigest } = file;
  return { path: file.path, linkTarget, mode, declaredDigest: digest, layerDigest };
}

/** A damaged part of the store is told by the answer about the owner. */
function attempt(contents: ContentsIndex | undefined, path: string) {
  try {
    return contents?.file(path);
  } catch {
    return undefined;
  }
}

/** What each source says by itself, so that a difference between them is seen. */
function answersOf({ papers, inventory, sbom }: ImageRecords, path: string, sha256: string | undefined): object[] {
  const answer = (source: string, contents: ContentsIndex | undefined, outcome?: string): object[] => {
    if (contents === undefined) return [];
    const ownership: Ownership = contents.ownerOf(path, sha256);
    return [{ outcome, packages: contents.components.length, files: contents.fileCount, ...ownership, source }];
  };
  return [...answer('inventory', inventory), ...answer('sbom', sbom, papers.sbom.outcome)];
}

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { errorText } from '../../../common/errors.ts';
import type { Inventory } from '../../../common/inventory.ts';
import { decodeInventory } from '../../../common/inventory-document/decode.ts';
import { toCycloneDx } from '../../../common/sbom-export/cyclonedx.ts';
import { toSpdx } from '../../../common/sbom-export/spdx.ts';
import type { SbomSubject } from '../../../common/sbom-export/subject.ts';
import { version } from '../../../common/version.ts';
import { imageKeyOf } from '../../images/image-key.ts';
import { documentKey } from '../../inventory/document.ts';
import type { ImageQuery, Papers, Records, SbomFormat } from '../../records/papers.ts';
import type { Store } from '../../store/store.ts';
import { HttpProblem, parseParameters } from '../problem.ts';
import { findImage, reference } from './images.ts';

const imageParameters = z.strictObject({ ref: reference });
const formatParameters = z.strictObject({ format: z.enum(['cyclonedx', 'spdx', 'declared']) });
type Format = z.infer<typeof formatParameters>['format'];

const mediaTypes = {
  cyclonedx: 'application/vnd.cyclonedx+json; version=1.6',
  spdx: 'application/spdx+json',
  declared: 'application/json',
} as const;
const declaredFormats: Readonly<Partial<Record<SbomFormat, Format>>> = { cyclonedx: 'cyclonedx', 'spdx-2.3': 'spdx' };
/** Files with a package in one document; it is written in one go, while nothing else is answered. */
const maxExportedFiles = 400_000;

interface Answer {
  /** "inventory": read from the image itself; "declared": the document that came with the image, byte by byte. */
  source: 'inventory' | 'declared';
  body: string | Buffer;
}

/** The SBOM of an image: of its inventory where there is one, else as it was declared. */
export function imageSbomRoutes(app: FastifyInstance, store: Store, records: Records): void {
  app.get('/api/v1/images/:ref/sbom', async (request, reply) => {
    const { ref } = parseParameters(imageParameters, request.params);
    const { format } = parseParameters(formatParameters, request.query);
    const { query } = findImage(store, ref);
    const { papers } = await records.lookup(query);
    const { source, body } = (await exported(store, query, papers, format)) ?? declared(store, query, papers, format);
    return reply.type(mediaTypes[format]).header('x-tallyman-sbom-source', source).send(body);
  });
}

async function exported(store: Store, query: ImageQuery, papers: Papers, format: Format): Promise<Answer | undefined> {
  if (format === 'declared') return undefined;
  const found = keptInventory(store, query, papers);
  if (found === undefined) return undefined;
  const { key, document } = found;
  const inventory = await decode(document);
  const owned = inventory.files.reduce((count, { owners, evidenceOf }) => count + owners.length + evidenceOf.length, 0);
  if (owned > maxExportedFiles)
    throw new HttpProblem(
      507,
      'SBOM too large',
      `the inventory has ${owned} files with packages, more than the ${maxExportedFiles} that are exported`,
    );
  const takenAtUnixMs = store.getInventoryWork(key)?.changedUnixMs ?? papers.checkedAtUnixMs;
  const write = format === 'cyclonedx' ? toCycloneDx : toSpdx;
  return { source: 'inventory', body: JSON.stringify(write(inventory, subjectOf(query, papers, takenAtUnixMs))) };
}

/** An inventory is kept under the digest that a runtime knew the image by, which need not be the one that is asked for. */
function keptInventory(
  store: Store,
  query: ImageQuery,
  { identity }: Papers,
): { key: string; document: Uint8Array } | undefined {
  for (const key of [imageKeyOf(query), identity.configDigest, identity.manifestDigest, identity.indexDigest]) {
    const document = key === undefined ? undefined : store.getDocument(documentKey(key));
    if (key !== undefined && document !== undefined) return { key, document };
  }
  return undefined;
}

async function decode(document: Uint8Array): Promise<Inventory> {
  try {
    return await decodeInventory(document);
  } catch (error) {
    throw new HttpProblem(
      500,
      'Inventory damaged',
      `the inventory that is kept of the image is damaged: ${errorText(error)}`,
    );
  }
}

function subjectOf(query: ImageQuery, { identity }: Papers, takenAtUnixMs: number): SbomSubject {
  const name = identity.repository ?? query.reference.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
  const digest = identity.manifestDigest ?? (query.targetDigest || query.configDigest || undefined);
  const tag = /:([^/:@]+)(?:@.*)?$/.exec(query.reference.replace(/@.*$/, ''))?.[1];
  return {
    name: name || 'unnamed',
    digest,
    tag,
    createdAt: new Date(takenAtUnixMs).toISOString(),
    toolVersion: version,
  };
}

function declared(store: Store, query: ImageQuery, { sbom }: Papers, format: Format): Answer {
  const of = query.reference || 'the image';
  const document = sbom.documentDigest === undefined ? undefined : store.getDocument(sbom.documentDigest);
  if (document === undefined || sbom.format === undefined)
    throw new HttpProblem(
      404,
      'No SBOM',
      `there is no inventory of ${of}, and its SBOM is ${sbom.outcome}: ${sbom.reason}`,
    );
  if (format !== 'declared' && declaredFormats[sbom.format] !== format)
    throw new HttpProblem(
      404,
      'No SBOM in this format',
      `there is no inventory of ${of}, and its declared SBOM is ${sbom.format}: ask for format=declared`,
    );
  return { source: 'declared', body: Buffer.from(document) };
}

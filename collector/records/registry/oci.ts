import { z } from 'zod';
import { bareMediaType, indexMediaTypes, manifestMediaTypes } from './media-types.ts';

const digest = z.string().regex(/^sha256:[a-f0-9]{64}$/, 'not a sha256 digest');
const text = z.string().max(4096);
const annotations = z.record(z.string().max(1024), z.string().max(1024 * 1024));

/** https://github.com/opencontainers/image-spec/blob/main/descriptor.md; sizes are hints and not relied on. */
export const descriptorSchema = z.object({
  mediaType: text.default(''),
  digest,
  size: z.number().nonnegative().optional(),
  artifactType: text.optional(),
  annotations: annotations.nullish(),
  platform: z.object({ os: text.default(''), architecture: text.default(''), variant: text.optional() }).nullish(),
});
export type Descriptor = z.infer<typeof descriptorSchema>;

const indexSchema = z.object({ manifests: z.array(descriptorSchema).max(2000), annotations: annotations.nullish() });
const manifestSchema = z.object({
  config: descriptorSchema,
  layers: z.array(descriptorSchema).max(2000),
  artifactType: text.optional(),
  subject: descriptorSchema.nullish(),
  annotations: annotations.nullish(),
});
const headSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  manifests: z.array(z.unknown()).optional(),
  layers: z.array(z.unknown()).optional(),
});

export type OciIndex = z.infer<typeof indexSchema>;
export type OciManifest = z.infer<typeof manifestSchema>;
export type ManifestDocument = { kind: 'index'; index: OciIndex } | { kind: 'manifest'; manifest: OciManifest };

/**
 * Narrows a manifest or index. The document's own mediaType decides, else the Content-Type, else which fields it has; a
 * document that could be read both ways is refused, since two readers could see two images in it. Throws on anything
 * else; the message names the field.
 */
export function parseManifestDocument(json: unknown, contentType: string | undefined): ManifestDocument {
  const head = check(headSchema, json);
  if (head.manifests !== undefined && head.layers !== undefined)
    throw new Error('it has both "manifests" and "layers": neither an index nor a manifest');
  const mediaType = head.mediaType ?? bareMediaType(contentType);
  const isIndex =
    indexMediaTypes.includes(mediaType) || (!manifestMediaTypes.includes(mediaType) && head.manifests !== undefined);
  return isIndex
    ? { kind: 'index', index: check(indexSchema, json) }
    : { kind: 'manifest', manifest: check(manifestSchema, json) };
}

export function parseIndex(json: unknown): OciIndex {
  return check(indexSchema, json);
}

function check<T>(schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new Error(`${issue?.path.join('.') || 'document'}: ${issue?.message ?? 'malformed'}`);
}

import type { ImageQuery } from '../records/papers.ts';

/**
 * What an image is remembered by: one file system, so the config digest where it is known. The containerd image store
 * tells none: there it is the digest of what the runtime runs, else of what was pulled. Undefined: only a name is known,
 * which may be another image tomorrow.
 */
export function imageKeyOf(query: ImageQuery): string | undefined {
  const pulled = query.repoDigests[0];
  const key = query.configDigest || query.targetDigest || pulled?.slice(pulled.indexOf('@') + 1);
  return key !== undefined && /^sha256:[0-9a-f]{64}$/.test(key) ? key : undefined;
}

import { createHash } from 'node:crypto';

const sha256Pattern = /^sha256:[a-f0-9]{64}$/;

/** Whether text is a digest this project can check. Other algorithms of the OCI specification are not computed. */
export function isDigest(text: unknown): text is string {
  return typeof text === 'string' && sha256Pattern.test(text);
}

export function sha256Digest(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** "sha256:ab…" → "sha256-ab…": the referrers tag and the start of cosign's tags. */
export function digestTag(digest: string): string {
  return digest.replace(':', '-');
}

/** "sha256:" and the first 12 digits, for people. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 19);
}

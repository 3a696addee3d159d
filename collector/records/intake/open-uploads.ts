import { errorText } from '../../../common/errors.ts';
import { openDocument } from '../attestation/document.ts';
import type { Evidence } from '../attestation/evidence.ts';
import type { Problem } from '../discovery/problem.ts';
import type { ImageIdentity, ImageQuery } from '../papers.ts';
import { isDigest } from '../registry/digest.ts';
import type { Judging, Verdict } from '../signature/judge.ts';
import { namesItsImage } from './document-kind.ts';
import { subjectsOf } from './subjects.ts';
import type { Upload } from './upload.ts';
import type { Uploads } from './uploads.ts';

/** Every digest that names the image. */
export function digestsOfImage(query: ImageQuery, identity: ImageIdentity | undefined): string[] {
  const named = query.repoDigests.map((text) => text.slice(text.indexOf('@') + 1));
  const known = [identity?.indexDigest, identity?.manifestDigest, identity?.configDigest];
  return [...new Set([query.configDigest, query.targetDigest, ...named, ...known].filter(isDigest))];
}

/** What was brought for the image, as evidence. Never throws: what cannot be read is a problem. */
export function openUploads(
  uploads: Uploads,
  digests: readonly string[],
  options: { judging: Judging; subjectBytes: ReadonlyMap<string, Uint8Array> },
): { evidence: Evidence[]; problems: Problem[] } {
  const evidence: Evidence[] = [];
  const problems: Problem[] = [];
  for (const upload of uploads.list(digests)) {
    try {
      const bytes = uploads.read(upload);
      if (bytes === undefined) throw new Error('it is gone from the store');
      const attachedTo = subjectAmong(digests, upload, bytes);
      const source = upload.origin === 'api' ? `upload ${upload.name}` : `file ${upload.name}`;
      const subjectBytes = options.subjectBytes.get(attachedTo);
      const opened = openDocument(bytes, { attachedTo, source }, { ...options, subjectBytes, unsigned });
      evidence.push(...(opened ?? []));
    } catch (error) {
      const reason = `the paper ${upload.name} that was brought could not be read: ${errorText(error)}`;
      problems.push({ code: 'PAPER_UPLOAD_UNREADABLE', host: 'none', reason });
    }
  }
  return { evidence, problems };
}

const unsigned: Verdict = { outcome: 'untrusted', reason: 'it was brought without a signature', signer: undefined };

/** A signed document names one of the image's digests, which need not be the one it was brought for. */
function subjectAmong(digests: readonly string[], upload: Upload, bytes: Uint8Array): string {
  if (!namesItsImage(upload.kind)) return upload.imageDigest;
  const subjects = subjectsOf(upload.kind, bytes);
  return subjects.find((digest) => digests.includes(digest)) ?? upload.imageDigest;
}

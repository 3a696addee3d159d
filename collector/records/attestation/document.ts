import { errorText } from '../../../common/errors.ts';
import { type DocumentKind, documentKindOf } from '../intake/document-kind.ts';
import { sha256Digest } from '../registry/digest.ts';
import { invalid, type Judging, type Verdict } from '../signature/judge.ts';
import { noMaterial } from '../signature/material.ts';
import { openBundle } from './bundle.ts';
import { openEnvelope, parseEnvelope } from './envelope.ts';
import type { Evidence, Origin } from './evidence.ts';
import { papersOfPredicate, parseStatement, subjectMismatch } from './statement.ts';

export interface DocumentOptions {
  judging: Judging;
  /** Bytes of the manifest or index that `origin.attachedTo` names; undefined when they are not at hand. */
  subjectBytes: Uint8Array | undefined;
  /** What a document without a signature of its own is worth. */
  unsigned: Verdict;
}

/** A document as evidence, by what is in it. Undefined when it is none that is read. Never throws. */
export function openDocument(bytes: Uint8Array, origin: Origin, options: DocumentOptions): Evidence[] | undefined {
  const { kind } = documentKindOf(bytes);
  return kind === undefined ? undefined : openKind(kind, bytes, origin, options);
}

function openKind(kind: DocumentKind, bytes: Uint8Array, origin: Origin, options: DocumentOptions): Evidence[] {
  const { judging, unsigned: verdict } = options;
  const document = { bytes, digest: sha256Digest(bytes), verdict, origin };
  switch (kind) {
    case 'sigstore-bundle':
      return openBundle(bytes, options.subjectBytes ?? new Uint8Array(), judging, origin, undefined);
    case 'dsse-envelope':
      return openEnvelope(
        () => ({ envelope: parseEnvelope(parseJson(bytes)), material: noMaterial }),
        judging,
        origin,
        '',
      );
    case 'statement':
      return openStatement(bytes, origin, verdict);
    case 'cyclonedx':
    case 'spdx':
    case 'syft':
      return [{ kind: 'document', ...document }];
    case 'grype':
    case 'trivy':
    case 'sarif':
      return [{ kind: 'report', ...document }];
    case 'openvex':
      return [{ kind: 'vex', ...document }];
  }
}

/** A bare statement: nobody vouches for it, and it counts only for the image it names. */
function openStatement(bytes: Uint8Array, origin: Origin, verdict: Verdict): Evidence[] {
  try {
    const statement = parseStatement(bytes);
    const mismatch = subjectMismatch(statement, origin.attachedTo);
    if (mismatch === undefined) return [{ kind: 'statement', statement, verdict, isInIndex: false, origin }];
    const papers = papersOfPredicate(statement.predicateType);
    return papers.map((paper) => ({ kind: 'rejected', paper, verdict: invalid(mismatch), origin }));
  } catch (error) {
    const rejected = invalid(errorText(error));
    return papersOfPredicate('').map((paper) => ({ kind: 'rejected', paper, verdict: rejected, origin }));
  }
}

function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
}

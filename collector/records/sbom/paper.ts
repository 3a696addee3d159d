import type { Evidence, Origin } from '../attestation/evidence.ts';
import { coveredVerdict } from '../attestation/index-cover.ts';
import { isSbomPredicate } from '../attestation/statement.ts';
import { type Problem, problemText } from '../discovery/problem.ts';
import type { SbomFormat, SbomPaper, SignatureRecord } from '../papers.ts';
import { sha256Digest } from '../registry/digest.ts';
import { cyclonedxJson, spdx3Json, spdxJson, syftJson } from '../registry/media-types.ts';
import type { Verdict } from '../signature/judge.ts';
import { SbomError } from './errors.ts';
import type { EncodedSbom } from './model.ts';
import { parseSbomAnywhere } from './parse-off-thread.ts';

/** The plain SBOM: the blob as fetched, or the attested predicate as JSON; `digest` is over `bytes`. */
export interface SbomDocument {
  digest: string;
  mediaType: string;
  bytes: Uint8Array;
}

export interface SbomResult {
  paper: SbomPaper;
  parsed: EncodedSbom | undefined;
  document: SbomDocument | undefined;
}

interface Candidate {
  verdict: Verdict;
  origin: Origin;
  isInIndex: boolean;
  bytes: Uint8Array;
}
interface Readable extends Candidate {
  parsed: EncodedSbom;
}
interface Rejected {
  verdict: Verdict;
  origin: Origin;
}

const maxCandidates = 16;
const mediaTypes: Readonly<Record<SbomFormat, string>> = {
  'spdx-2.3': spdxJson[0]!,
  'spdx-3.0': spdx3Json,
  cyclonedx: cyclonedxJson,
  syft: syftJson,
};

/** Chooses the SBOM to work with: a verified one before others, one that lists files before one that does not. */
export async function chooseSbom(
  evidence: readonly Evidence[],
  signatures: readonly SignatureRecord[],
  problems: readonly Problem[],
): Promise<SbomResult> {
  const candidates = candidatesOf(evidence, signatures);
  const rejected: Rejected[] = evidence.filter(
    (item) => item.kind === 'rejected' && item.paper === 'sbom',
  ) as Rejected[];
  let readable: Readable[] = [];
  for (const wanted of ['verified', 'untrusted'] as const) {
    const group = candidates.filter(({ verdict }) => verdict.outcome === wanted).slice(0, maxCandidates);
    readable = await readAll(group, rejected);
    if (readable.length > 0) break;
  }
  const [best] = readable.sort(byUsefulness);
  if (best === undefined)
    return { paper: paperWithoutDocument(rejected, problems), parsed: undefined, document: undefined };
  const document = { digest: sha256Digest(best.bytes), mediaType: mediaTypes[best.parsed.format], bytes: best.bytes };
  return { paper: paperOf(best, document.digest, rejected, problems), parsed: best.parsed, document };
}

function candidatesOf(evidence: readonly Evidence[], signatures: readonly SignatureRecord[]): Candidate[] {
  return evidence.flatMap((item): Candidate[] => {
    if (item.kind === 'document')
      return [{ verdict: item.verdict, origin: item.origin, isInIndex: false, bytes: item.bytes }];
    if (item.kind !== 'statement' || !isSbomPredicate(item.statement.predicateType)) return [];
    const { predicate } = item.statement;
    const text = typeof predicate === 'string' ? predicate : (JSON.stringify(predicate) ?? '');
    const verdict = coveredVerdict(item, signatures);
    return [{ verdict, origin: item.origin, isInIndex: item.isInIndex, bytes: Buffer.from(text) }];
  });
}

async function readAll(candidates: readonly Candidate[], rejected: Rejected[]): Promise<Readable[]> {
  const readable: Readable[] = [];
  for (const candidate of candidates) {
    try {
      const parsed = await parseSbomAnywhere(candidate.bytes);
      if (!isBuildStage(candidate, parsed)) readable.push({ ...candidate, parsed });
    } catch (error) {
      if (!(error instanceof SbomError)) throw error;
      const outcome = error.code === 'SBOM_UNSUPPORTED' ? 'unknown' : 'invalid';
      rejected.push({
        verdict: { outcome, reason: error.message, signer: candidate.verdict.signer },
        origin: candidate.origin,
      });
    }
  }
  return readable;
}

/** BuildKit names extra scans of build stages and contexts "sbom-…": their packages are not in the running image. */
function isBuildStage(candidate: Candidate, parsed: EncodedSbom): boolean {
  return candidate.isInIndex && parsed.name.startsWith('sbom-');
}

function byUsefulness(a: Readable, b: Readable): number {
  const lists = (sbom: Readable): number => (sbom.parsed.contents.head.ownedFileCount > 0 ? 1 : 0);
  return (
    lists(b) - lists(a) ||
    (b.parsed.createdAt ?? '').localeCompare(a.parsed.createdAt ?? '') ||
    b.parsed.contents.head.ownedFileCount - a.parsed.contents.head.ownedFileCount
  );
}

function paperOf(
  best: Readable,
  documentDigest: string,
  rejected: readonly Rejected[],
  problems: readonly Problem[],
): SbomPaper {
  const notes = [best.verdict.reason];
  if (rejected[0] !== undefined) notes.push(`${rejected.length} other rejected: ${rejected[0].verdict.reason}`);
  if (problems.length > 0 && best.verdict.outcome !== 'verified')
    notes.push(`not everything could be looked at: ${problemText(problems)}`);
  return {
    outcome: best.verdict.outcome,
    reason: notes.join('; '),
    format: best.parsed.format,
    generator: best.parsed.generator,
    createdAt: best.parsed.createdAt,
    componentCount: best.parsed.contents.head.packageCount,
    ownedFileCount: best.parsed.contents.head.ownedFileCount,
    documentDigest,
    ...best.origin,
    signer: best.verdict.signer,
  };
}

function paperWithoutDocument(rejected: readonly Rejected[], problems: readonly Problem[]): SbomPaper {
  const invalid = rejected.find(({ verdict }) => verdict.outcome === 'invalid');
  const unread = invalid ?? rejected[0];
  if (problems.length > 0) return emptyPaper('unknown', problemText(problems), unread);
  if (unread !== undefined) return emptyPaper(unread.verdict.outcome, unread.verdict.reason, unread);
  return emptyPaper('absent', 'no SBOM was found on the image', undefined);
}

export function emptyPaper(outcome: SbomPaper['outcome'], reason: string, found: Rejected | undefined): SbomPaper {
  return {
    outcome,
    reason,
    format: undefined,
    generator: undefined,
    createdAt: undefined,
    componentCount: 0,
    ownedFileCount: 0,
    documentDigest: undefined,
    attachedTo: found?.origin.attachedTo,
    source: found?.origin.source,
    signer: undefined,
  };
}

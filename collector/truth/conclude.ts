import type { ImageFindings, ImageReport } from '../images/image-findings.ts';
import type { ImageQuery } from '../records/papers.ts';
import { isMismatch, type Truth } from './compare.ts';
import type { ImageTruth } from './image-truth.ts';

type Findings = Pick<ImageFindings, 'report' | 'resolve'>;

/** What the reason of an SBOM that is about another image says. */
const otherSubject = /subject|another (image|digest)|for sha256:/i;

/** Tells what follows from a comparison, and ends what does not follow any more. */
export async function conclude(image: ImageQuery, truth: ImageTruth, findings: Findings): Promise<void> {
  const reports = [noSbom(image, truth), mismatch(image, truth), unlisted(image, truth)];
  for (const { ruleId, report, ended } of reports) {
    if (report !== undefined) await findings.report(report);
    else if (ended !== undefined) await findings.resolve(ruleId, image, ended);
  }
}

interface Conclusion {
  ruleId: string;
  /** It holds. */
  report?: ImageReport;
  /** It does not, for this reason. Neither: it cannot be said. */
  ended?: string;
}

function noSbom(image: ImageQuery, { sbom, reference }: ImageTruth): Conclusion {
  const ruleId = 'image-no-sbom';
  if (sbom.outcome === 'absent')
    return { ruleId, report: { ruleId, image, summary: `The image ${reference} has no SBOM.` } };
  return sbom.outcome === 'unknown' ? { ruleId } : { ruleId, ended: 'an SBOM was found' };
}

function mismatch(image: ImageQuery, truth: ImageTruth): Conclusion {
  const ruleId = 'image-sbom-mismatch';
  const { sbom, comparison, reference } = truth;
  if (sbom.outcome === 'invalid' && otherSubject.test(sbom.reason)) {
    const summary = `The SBOM found for ${reference} is about another image: ${sbom.reason}`.slice(0, 500);
    return { ruleId, report: { ruleId, image, summary, fields: { 'sbom.problem': sbom.reason.slice(0, 500) } } };
  }
  if (comparison === undefined)
    return sbom.outcome === 'absent' ? { ruleId, ended: 'the image has no SBOM' } : { ruleId };
  if (!isMismatch(comparison)) {
    // What an incomplete inventory lacks cannot be known to be well.
    if (comparison.incomplete !== '') return { ruleId };
    return { ruleId, ended: 'the SBOM says what the image contains' };
  }
  const { missingFromSbom, notInImage, otherVersion, otherHash } = comparison;
  const fields: Record<string, string> = { 'sbom.outcome': sbom.outcome };
  if (sbom.documentDigest !== undefined) fields['sbom.digest'] = sbom.documentDigest;
  if (sbom.generator !== undefined) fields['sbom.generator'] = sbom.generator;
  const lists = [
    { name: 'missing_from_sbom', entries: missingFromSbom },
    { name: 'not_in_image', entries: notInImage },
    { name: 'other_version', entries: otherVersion },
    { name: 'other_hash', entries: otherHash },
  ].filter(({ entries }) => entries.length > 0);
  return { ruleId, report: { ruleId, image, summary: mismatchText(reference, comparison), fields, lists } };
}

function mismatchText(reference: string, truth: Truth): string {
  const parts = [
    counted(truth.missingFromSbom, 'is in the image and not in it', 'are in the image and not in it'),
    counted(truth.notInImage, 'is in it and not in the image', 'are in it and not in the image'),
    counted(truth.otherVersion, 'has another version', 'have another version'),
    truth.otherHash.length === 0 ? undefined : `${truth.otherHash.length} files have another content`,
  ].filter((part) => part !== undefined);
  return `The SBOM of ${reference} does not say what the image contains: ${parts.join('; ')}.`;
}

/** With one name, so that a person need not look further for the usual case. */
function counted(names: readonly string[], one: string, many: string): string | undefined {
  if (names.length === 0) return undefined;
  const first = names[0]?.split(' (')[0] ?? '';
  return names.length === 1 ? `${first} ${one}` : `${names.length} packages (${first}, …) ${many}`;
}

function unlisted(image: ImageQuery, { executed, reference, sbom }: ImageTruth): Conclusion {
  const ruleId = 'exec-unlisted';
  const { unlisted: programs } = executed;
  // What was executed once was executed; only another SBOM or inventory can take it back.
  if (programs.length === 0) return executed.programs === 0 ? { ruleId } : { ruleId, ended: 'a package owns what ran' };
  const named =
    programs.length === 1 ? `${programs[0]}, which` : `${programs.length} programs (${programs[0]}, …) that`;
  const isPromise = sbom.outcome === 'verified' && sbom.ownedFileCount > 0;
  return {
    ruleId,
    report: {
      ...{ ruleId, image, severity: isPromise ? 'medium' : 'low' },
      summary: `Containers of ${reference} executed ${named} no package of the image owns.`,
      fields: { 'sbom.outcome': sbom.outcome },
      lists: [{ name: 'executed', entries: programs }],
    },
  };
}

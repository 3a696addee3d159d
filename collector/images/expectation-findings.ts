import type { BasePaper, Clause, ImageQuery, Papers } from '../records/papers.ts';
import type { ImageFindings, ImageReport } from './image-findings.ts';

type Findings = Pick<ImageFindings, 'report' | 'resolve'>;

/**
 * Tells where an image is not what the policy expects: from another registry, not pinned, on another base. Ends what no
 * longer holds. What could not be looked at changes nothing.
 * @throws what the store throws
 */
export async function reportExpectations(findings: Findings, image: ImageQuery, papers: Papers): Promise<void> {
  const clause = (name: Clause['name']) => papers.place?.find((candidate) => candidate.name === name);
  await settle(findings, 'image-registry-not-allowed', image, clauseState(clause('registry')));
  await settle(findings, 'image-not-pinned', image, clauseState(clause('pinned')));
  await settle(findings, 'image-base-not-approved', image, baseState(papers.base));
}

/** What is wrong, that nothing is, or that it cannot be told. */
type State = Pick<ImageReport, 'summary' | 'fields'> | 'fine' | 'not-known';

async function settle(findings: Findings, ruleId: string, image: ImageQuery, state: State): Promise<void> {
  if (state === 'not-known') return;
  if (state === 'fine') await findings.resolve(ruleId, image, 'it is as expected, or nothing is expected any more');
  else await findings.report({ ruleId, image, ...state });
}

function clauseState(clause: Clause | undefined): State {
  if (clause === undefined) return 'not-known';
  const { name, outcome, expected, found, reason } = clause;
  if (expected.length === 0 || outcome === 'verified') return 'fine';
  if (outcome !== 'untrusted') return 'not-known';
  const what = name === 'registry' ? 'comes from a registry that is not allowed' : 'is not pinned by a digest';
  return { summary: `The image ${what}: ${reason}.`, fields: { expected: expected.join(', '), found: found ?? '' } };
}

function baseState(base: BasePaper | undefined): State {
  if (base === undefined) return 'not-known';
  const { outcome, reason, names, digest } = base;
  if (outcome === 'untrusted' || outcome === 'invalid')
    return {
      summary: `The image is not built on an approved base: ${reason}.`,
      fields: { base: names[0] ?? '', digest: digest ?? '' },
    };
  return outcome === 'verified' ? 'fine' : 'not-known';
}

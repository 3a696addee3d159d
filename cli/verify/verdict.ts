import { expectationOf, expectsProvenance, repositoriesOf } from '../../collector/records/expectation/expectation.ts';
import type { ImageExpectation } from '../../collector/records/expectation/schema.ts';
import type { ImageQuery, Outcome, Papers } from '../../collector/records/papers.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Requirable } from './requirable.ts';

/** One thing that has to be verified, and whether it is. */
export interface Requirement {
  name: string;
  outcome: Outcome;
  reason: string;
}

export interface Verdict {
  outcome: 'verified' | 'not-verified' | 'unknown';
  required: readonly Requirement[];
}

/**
 * Judges an image by what is required of it: a signature unless others are named, and beside that everything the policy
 * expects of the image. What could not be looked at is not the same as what is not there.
 */
export function verdictOf(
  papers: Papers,
  query: ImageQuery,
  expectations: readonly ImageExpectation[],
  named: readonly Requirable[] | undefined,
): Verdict {
  const expectation = expectationOf(expectations, repositoriesOf(query, papers.identity.repository));
  const names = new Set<Requirable>(named ?? ['signature']);
  if (expectsProvenance(expectation)) names.add('provenance');
  if (expectation?.baseImages !== undefined) names.add('base');
  const missing = { outcome: 'unknown', reason: 'the image could not be found' } as const;
  const required: Requirement[] = [...names].map((name) => {
    const { outcome, reason } = papers[name] ?? missing;
    return { name, outcome, reason };
  });
  for (const { name, expected, outcome, reason } of papers.place ?? [])
    if (expected.length > 0) required.push({ name, outcome, reason });
  const isVerified = required.every(({ outcome }) => outcome === 'verified');
  const isRefused = required.some(({ outcome }) => outcome !== 'verified' && outcome !== 'unknown');
  return { outcome: isVerified ? 'verified' : isRefused ? 'not-verified' : 'unknown', required };
}

export function exitCodeOfVerdict({ outcome }: Verdict): number {
  if (outcome === 'verified') return exitCodes.ok;
  return outcome === 'unknown' ? exitCodes.couldNotLook : exitCodes.notVerified;
}

import { papersContent } from '../decide/decision-hash.ts';
import type { ImageQuery, Outcome, Papers } from '../records/papers.ts';

/** The papers of an image are others than before. */
export interface PapersChange {
  image: ImageQuery;
  /** Undefined: nothing was known. */
  before: Papers | undefined;
  after: Papers;
  /** What changed where the papers themselves do not say it: "CVE-2026-1234 was disclosed for openssl 3.0.11". */
  because?: readonly string[];
}

interface AnyPaper {
  outcome: Outcome;
  signer?: { name: string };
}

/**
 * What is different, in words: "signature: absent → verified (team)". What could not be looked up is no change: it says
 * nothing of the image.
 */
export function changesOf({ before, after }: PapersChange): string[] {
  if (before === undefined) return [];
  const [was, is] = [papersContent(before), papersContent(after)];
  return Object.keys(is).flatMap((name) => {
    const [then, now] = [was[name], is[name]] as (AnyPaper | undefined)[];
    if (now?.outcome === 'unknown' || JSON.stringify(then) === JSON.stringify(now)) return [];
    const [from, to] = [wordOf(then), wordOf(now)];
    return [from === to ? `${name}: another one, ${to}` : `${name}: ${from} → ${to}`];
  });
}

/** A signature that held does not any more; undefined when none is lost. */
export function trustLost({ before, after }: PapersChange): { from: string; to: string } | undefined {
  const isLost = before?.signature.outcome === 'verified' && !['verified', 'unknown'].includes(after.signature.outcome);
  return isLost ? { from: wordOf(before.signature), to: wordOf(after.signature) } : undefined;
}

function wordOf(paper: AnyPaper | undefined): string {
  if (typeof paper?.outcome !== 'string') return paper === undefined ? 'not known' : 'known';
  return paper.signer === undefined ? paper.outcome : `${paper.outcome} (${paper.signer.name})`;
}

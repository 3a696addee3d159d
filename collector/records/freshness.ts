import type { Papers } from './papers.ts';

const minute = 60_000;
const hour = 60 * minute;

/** What an answer before this one was. */
export interface Former {
  papers: Papers | undefined;
  /** Answers in a row, with this one, that left something unknown. */
  failuresInRow: number;
}

/**
 * How long an answer may be used. What was found stays true of a digest, so it is asked again only for new papers and
 * removed ones; what is absent may come any moment after a push, and less likely later; what could not be looked up is
 * tried again, ever later.
 */
export function freshForMs(
  papers: Pick<Papers, 'signature' | 'sbom' | 'provenance'>,
  { papers: before, failuresInRow }: Former,
): number {
  const outcomes = [papers.signature.outcome, papers.sbom.outcome];
  const all = [...outcomes, papers.provenance.outcome];
  if (all.includes('unknown')) return Math.min(15_000 * 2 ** Math.max(0, Math.min(failuresInRow, 10) - 1), 5 * minute);
  if (all.includes('absent')) {
    const first = outcomes.includes('absent') ? 2 * minute : 15 * minute;
    return isSame(before, all) ? Math.min(Math.max(first, before.freshForMs * 2), hour) : first;
  }
  return outcomes.every((outcome) => outcome === 'verified') ? 6 * hour : hour;
}

function isSame(before: Papers | undefined, outcomes: readonly string[]): before is Papers {
  if (before === undefined) return false;
  return [before.signature, before.sbom, before.provenance].every(({ outcome }, index) => outcome === outcomes[index]);
}

/** While a registry cannot be asked, what was found before still holds: a proof does not expire with the network. */
export function keepProven(fresh: Papers, before: Papers | undefined): Papers {
  // Proofs by keys that are no longer trusted are none.
  if (before === undefined || before.trust !== fresh.trust) return fresh;
  const checkedAt = new Date(before.checkedAtUnixMs).toISOString();
  const since = (reason: string): string => / \(as of (\S+);/.exec(reason)?.[1] ?? checkedAt;
  const keep = <P extends { outcome: string; reason: string }>(now: P, then: P): P =>
    now.outcome === 'unknown' && ['verified', 'invalid', 'untrusted'].includes(then.outcome)
      ? {
          ...then,
          reason: `${then.reason.replace(/ \(as of .*$/s, '')} (as of ${since(then.reason)}; now: ${now.reason})`,
        }
      : now;
  return {
    ...fresh,
    identity: fresh.identity.manifestDigest === undefined ? before.identity : fresh.identity,
    signature: keep(fresh.signature, before.signature),
    sbom: keep(fresh.sbom, before.sbom),
    provenance: keep(fresh.provenance, before.provenance),
    vulnerabilities: keep(fresh.vulnerabilities, before.vulnerabilities),
  };
}

import { matchesGlob } from '../../../common/glob.ts';
import { repositoryText } from '../../../common/image-reference.ts';
import type { Clause, ImageQuery } from '../papers.ts';
import { asReference } from './expectation.ts';
import type { ImageExpectation } from './schema.ts';

/** Where the image comes from and how it is named, against what is expected; nothing has to be fetched for it. */
export function placeClauses(
  query: ImageQuery,
  found: string | undefined,
  expectation: ImageExpectation | undefined,
): Clause[] {
  return [registryClause(query, found, expectation?.registries ?? []), pinnedClause(query, expectation)];
}

/** What a user wrote decides: it is what the runtime pulls next time. A name without registry is Docker Hub's. */
function registryClause(query: ImageQuery, found: string | undefined, expected: readonly string[]): Clause {
  const reference = asReference(query.reference) ?? asReference(query.repoDigests[0] ?? '');
  const repository = reference === undefined || /^sha256:/.test(query.reference) ? found : repositoryText(reference);
  const base = { name: 'registry', found: repository, expected, evidence: 'image reference' } as const;
  if (repository === undefined) return { ...base, outcome: 'unknown', reason: 'the image has no name' };
  if (expected.length === 0) return { ...base, outcome: 'unknown', reason: `${repository} (no expectation)` };
  const registry = repository.split('/', 1)[0] ?? '';
  const isAllowed = expected.some((pattern) => matchesGlob(pattern, registry) || matchesGlob(pattern, repository));
  if (isAllowed) return { ...base, outcome: 'verified', reason: repository };
  return { ...base, outcome: 'untrusted', reason: `expected ${expected.join(' or ')}, found ${repository}` };
}

function pinnedClause(query: ImageQuery, expectation: ImageExpectation | undefined): Clause {
  const reference = asReference(query.reference);
  const isRequired = expectation?.requireDigestPin === true;
  const base = { name: 'pinned', expected: isRequired ? ['a digest'] : [], evidence: 'image reference' } as const;
  if (reference === undefined || query.reference === '')
    return { ...base, outcome: 'unknown', reason: 'the image has no name', found: undefined };
  if (reference.digest !== undefined)
    return { ...base, outcome: 'verified', reason: `by ${reference.digest}`, found: reference.digest };
  const found = `tag ${reference.tag ?? 'latest'}`;
  if (!isRequired) return { ...base, outcome: 'unknown', reason: `named by ${found} (no expectation)`, found };
  const reason = `expected a digest, found ${found}: it may be another image at the next start`;
  return { ...base, outcome: 'untrusted', reason, found };
}

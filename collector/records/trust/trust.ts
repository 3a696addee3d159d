import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { RE2JS } from 're2js';
import { CodedError, errorText } from '../../../common/errors.ts';
import { matchesGlob } from '../../../common/glob.ts';
import { loadCosignKeys, type PinnedKey } from '../signature/keys.ts';
import { loadNotationStore, type NotationStore } from './notation-store.ts';
import { loadTrustRoot, type TrustRoot } from './trust-root.ts';
import { type TrustDocument, trustSchema } from './trust-schema.ts';

/** A pinned key and what it may sign. */
export interface TrustedKey extends PinnedKey {
  /** Repositories (globs); undefined: all. */
  images?: readonly string[] | undefined;
  /** In whose log its signatures have to be; undefined: in none. */
  log?: TrustRoot | undefined;
}

/** Who a certificate may name, and what that identity may sign. */
export interface TrustedIdentity {
  name: string;
  root: string | undefined;
  issuer: string;
  /** Of a subject: whether it is the one. The whole of it is compared. */
  isSubject: (subject: string) => boolean;
  /** The subject or pattern as the policy has it. */
  subjectText: string;
  sourceRepository: string | undefined;
  images: readonly string[] | undefined;
}

/** Whose signatures count, loaded and checked. */
export interface Trust {
  keys: readonly TrustedKey[];
  roots: readonly TrustRoot[];
  identities: readonly TrustedIdentity[];
  notation: readonly NotationStore[];
  /** Changes with anything that could change a verdict: the content of files too. */
  hash: string;
}

/**
 * Loads the files that the policy's section `trust` names, relative to the policy file, and those of `keyFiles`. Throws
 * CodedError (SIGNING_KEY_UNUSABLE, TRUST_ROOT_UNUSABLE, TRUST_NOTATION_UNUSABLE, TRUST_PATTERN) that names file and fault.
 */
export function loadTrust(
  document: TrustDocument | undefined,
  policyFile: string | undefined,
  keyFiles: readonly string[],
): Trust {
  const { roots, identities, keys, notation } = document ?? trustSchema.parse({});
  const locate = (file: string): string => (policyFile === undefined ? file : resolve(dirname(policyFile), file));
  const loadedRoots = roots.map((root) => loadTrustRoot({ ...root, file: locate(root.file) }));
  const scoped = keys.flatMap(({ name, file, images, log }) =>
    loadCosignKeys([locate(file)]).map((key, index) => ({
      ...key,
      name: name === undefined ? key.name : index === 0 ? name : `${name}#${index + 1}`,
      images,
      log: loadedRoots.find((root) => root.name === log),
    })),
  );
  return trustOf({
    keys: [...loadCosignKeys(keyFiles), ...scoped],
    roots: loadedRoots,
    identities: identities.map(toIdentity),
    notation: notation.map((store) => loadNotationStore({ ...store, caFiles: store.caFiles.map(locate) })),
  });
}

/** Trust made of parts; what is left out is empty. */
export function trustOf(parts: Partial<Omit<Trust, 'hash'>>): Trust {
  const { keys = [], roots = [], identities = [], notation = [] } = parts;
  const described = {
    keys: keys.map(({ name, fingerprint, images, log }) => [name, fingerprint, images, log?.name]),
    roots: roots.map(({ name, hash }) => [name, hash]),
    identities: identities.map(({ isSubject: _function, ...rest }) => rest),
    notation: notation.map(({ hash }) => hash),
  };
  const hash = createHash('sha256').update(JSON.stringify(described)).digest('hex');
  return { keys, roots, identities, notation, hash };
}

/** Whether a scope holds for a repository ("registry.acme.io/team/app"); without a scope all do. */
export function mayBeOf(images: readonly string[] | undefined, repository: string): boolean {
  return images === undefined || images.some((pattern) => matchesGlob(pattern, repository));
}

function toIdentity(identity: TrustDocument['identities'][number]): TrustedIdentity {
  const { name, root, issuer, subject, subjectPattern, sourceRepository, images } = identity;
  const base = { name, root, issuer, sourceRepository, images };
  if (subject !== undefined) return { ...base, isSubject: (found) => found === subject, subjectText: subject };
  const pattern = subjectPattern ?? '';
  try {
    const compiled = RE2JS.compile(pattern);
    return { ...base, isSubject: (found) => compiled.matches(found), subjectText: `/^(?:${pattern})$/` };
  } catch (error) {
    throw new CodedError(
      'TRUST_PATTERN',
      `identity ${name} of the policy: subjectPattern ${pattern}: ${errorText(error)}`,
      {
        hint: 'patterns are RE2: https://github.com/google/re2/wiki/Syntax',
      },
    );
  }
}

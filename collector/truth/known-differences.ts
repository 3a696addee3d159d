import type { Component, Ownership } from '../records/papers.ts';
import { identityOf, type PackageIdentity } from './package-identity.ts';

export interface DifferenceContext {
  /** Who tells of the component. */
  side: 'declared' | 'contained';
  component: Component;
  identity: PackageIdentity | undefined;
  /** Whom the layers of the image say a file belongs to. */
  ownerOf: (path: string) => Ownership;
}

/** A difference between SBOM and image that comes from how generators work, and is not told. */
export interface KnownDifference {
  /** Stable; shown with how often it applied. */
  name: string;
  reason: string;
  applies(context: DifferenceContext): boolean;
}

/** What inventories look for (common/inventory.ts). */
const comparedTypes: ReadonlySet<string> = new Set([
  ...['deb', 'apk', 'rpm', 'npm', 'pypi', 'golang', 'maven', 'gem', 'cargo'],
]);
const distributionTypes: ReadonlySet<string> = new Set(['deb', 'apk', 'rpm']);

/** Each has a test of its own; names of packages that merely are written differently are made alike before (package-identity.ts). */
export const knownDifferences: readonly KnownDifference[] = [
  {
    name: 'no-package',
    reason: 'the image itself, its operating system, files and binaries are components of some SBOMs, and no packages',
    applies: ({ identity }) => identity === undefined || !comparedTypes.has(identity.type),
  },
  {
    name: 'rpm-key',
    reason: 'imported signing keys stand in the rpm database as packages named gpg-pubkey',
    applies: ({ identity }) => identity?.key === 'rpm gpg-pubkey',
  },
  {
    name: 'apk-virtual',
    reason: 'apk add --virtual makes packages without files, whose names begin with a dot',
    applies: ({ identity }) => identity?.key.startsWith('apk .') === true,
  },
  {
    name: 'go-standard-library',
    reason: 'some generators count the standard library of Go among the modules of a program, others do not',
    applies: ({ identity }) => identity?.key === 'golang stdlib',
  },
  {
    name: 'go-main-module',
    reason: 'the program itself has no version in its build information, and generators name it or leave it out',
    applies: ({ identity }) =>
      identity?.type === 'golang' &&
      (identity.version === undefined || identity.key === 'golang command-line-arguments'),
  },
  {
    name: 'jar-guess',
    reason: 'a jar without a manifest that names it is guessed from the name of its file',
    applies: ({ identity }) => identity?.type === 'maven' && identity.version === undefined,
  },
  {
    name: 'npm-without-version',
    reason: 'a package.json without a version is a part of a package, or the application itself',
    applies: ({ identity }) => identity?.type === 'npm' && identity.version === undefined,
  },
  {
    name: 'owned-by-distribution',
    reason:
      'language packages that a package of the distribution installed are named by some generators once, by others twice',
    applies: ({ component, identity, ownerOf }) => {
      if (component.location === undefined || identity === undefined || distributionTypes.has(identity.type))
        return false;
      const ownership = ownerOf(component.location);
      return (
        ownership.state === 'owned' &&
        ownership.owners.some((owner) => distributionTypes.has(identityOf(owner)?.type ?? ''))
      );
    },
  },
];

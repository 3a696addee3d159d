import { isDeeperThan } from '../../../common/json-depth.ts';
import { SbomError } from './errors.ts';
import { limits } from './model.ts';

/** Throws SBOM_MALFORMED when JSON is nested deeper than any real SBOM, before a parser walks into it. */
export function assertDepth(bytes: Uint8Array, maxDepth: number = limits.maxDepth): void {
  if (isDeeperThan(bytes, maxDepth))
    throw new SbomError('SBOM_MALFORMED', `the SBOM is nested deeper than ${maxDepth} levels`);
}

export function tooMany(what: string, max: number): SbomError {
  return new SbomError('SBOM_TOO_LARGE', `the SBOM has more than ${max} ${what}`);
}

import { SbomError } from './errors.ts';

export function tooMany(what: string, max: number): SbomError {
  return new SbomError('SBOM_TOO_LARGE', `the SBOM has more than ${max} ${what}`);
}

import { SbomError } from './errors.ts';
import { limits } from './model.ts';

const quote = 0x22;
const backslash = 0x5c;

/** Throws SBOM_MALFORMED when JSON is nested deeper than any real SBOM, before a parser walks into it. */
export function assertDepth(bytes: Uint8Array, maxDepth: number = limits.maxDepth): void {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (isText) {
      if (byte === backslash) at++;
      else if (byte === quote) isText = false;
    } else if (byte === quote) isText = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > maxDepth)
        throw new SbomError('SBOM_MALFORMED', `the SBOM is nested deeper than ${maxDepth} levels`);
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
}

export function tooMany(what: string, max: number): SbomError {
  return new SbomError('SBOM_TOO_LARGE', `the SBOM has more than ${max} ${what}`);
}

import { SbomError } from './errors.ts';
import { limits } from './model.ts';

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;

/**
 * Throws SBOM_MALFORMED for JSON that a parser would take without a word: nested deeper than any real SBOM, or with the
 * same key twice in one object, where the parser keeps the last and another reader perhaps the first. Whether it is JSON
 * at all is left to the parser.
 */
export function assertShape(bytes: Buffer, maxDepth: number = limits.maxDepth): void {
  /** Keys of the objects that are open; undefined for arrays. */
  const open: (Set<string> | undefined)[] = [];
  let isKeyNext = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) {
      const end = endOfText(bytes, at + 1);
      if (isKeyNext) addKey(open.at(-1), bytes.toString('utf8', at + 1, end));
      isKeyNext = false;
      at = end;
    } else if (byte === 0x7b || byte === 0x5b) {
      if (open.length >= maxDepth)
        throw new SbomError('SBOM_MALFORMED', `the SBOM is nested deeper than ${maxDepth} levels`);
      isKeyNext = byte === 0x7b;
      open.push(isKeyNext ? new Set() : undefined);
    } else if (byte === 0x7d || byte === 0x5d) {
      open.pop();
      isKeyNext = false;
    } else if (byte === comma) isKeyNext = open.at(-1) !== undefined;
  }
}

/** Position of the closing quote, or the end of the bytes. */
function endOfText(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === backslash) at++;
    else if (byte === quote) return at;
  }
  return bytes.length;
}

function addKey(keys: Set<string> | undefined, written: string): void {
  const key = written.includes('\\') ? unescaped(written) : written;
  if (keys?.has(key) === true)
    throw new SbomError('SBOM_MALFORMED', `the SBOM has the key "${key.slice(0, 100)}" twice in one object`);
  keys?.add(key);
}

function unescaped(written: string): string {
  try {
    return JSON.parse(`"${written}"`) as string;
  } catch {
    return written;
  }
}

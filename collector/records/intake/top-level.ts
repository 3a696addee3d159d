/** The members of a JSON object at its top: short texts as they are, of everything else only that it is there. */
export type TopLevel = ReadonlyMap<string, string | undefined>;

const quote = 0x22;
const backslash = 0x5c;
const maxKeys = 1_000;
const maxTextBytes = 512;

/**
 * Reads which members a JSON object has, without building what is in them, so that a large document costs no more than a
 * walk over its bytes. Undefined: it is no JSON object, or one that is cut off. What is nested is not checked.
 */
export function topLevelOf(bytes: Uint8Array): TopLevel | undefined {
  const found = new Map<string, string | undefined>();
  let at = skipBlank(bytes, bytes[0] === 0xef ? 3 : 0);
  if (bytes[at] !== 0x7b) return undefined;
  at = skipBlank(bytes, at + 1);
  if (bytes[at] === 0x7d) return found;
  while (found.size < maxKeys) {
    const keyEnd = endOfText(bytes, at);
    const key = textOf(bytes, at, keyEnd);
    if (key === undefined) return undefined;
    at = skipBlank(bytes, keyEnd);
    if (bytes[at] !== 0x3a) return undefined;
    at = skipBlank(bytes, at + 1);
    const end = endOfValue(bytes, at);
    if (end < 0) return undefined;
    found.set(key, textOf(bytes, at, end));
    at = skipBlank(bytes, end);
    if (bytes[at] === 0x7d) return found;
    if (bytes[at] !== 0x2c) return undefined;
    at = skipBlank(bytes, at + 1);
  }
  return found;
}

function skipBlank(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  return at;
}

/** Behind the closing quote; -1 when there is no text or no end. */
function endOfText(bytes: Uint8Array, from: number): number {
  if (bytes[from] !== quote) return -1;
  for (let at = from + 1; at < bytes.length; at++) {
    if (bytes[at] === backslash) at++;
    else if (bytes[at] === quote) return at + 1;
  }
  return -1;
}

function endOfValue(bytes: Uint8Array, from: number): number {
  const first = bytes[from];
  if (first === quote) return endOfText(bytes, from);
  if (first === 0x7b || first === 0x5b) return endOfNested(bytes, from);
  let at = from;
  while (at < bytes.length && bytes[at] !== 0x2c && bytes[at] !== 0x7d) at++;
  return at === from || at === bytes.length ? -1 : at;
}

function endOfNested(bytes: Uint8Array, from: number): number {
  let depth = 0;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) {
      at = endOfText(bytes, at) - 1;
      if (at < 0) return -1;
    } else if (byte === 0x7b || byte === 0x5b) depth++;
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) return at + 1;
  }
  return -1;
}

function textOf(bytes: Uint8Array, from: number, end: number): string | undefined {
  if (end < 0 || bytes[from] !== quote || end - from > maxTextBytes) return undefined;
  try {
    const text: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).toString('utf8'));
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}

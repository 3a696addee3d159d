/** Format, separator and override characters that change how the rest of a line is shown. */
const invisible = /^[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]$/u;
const named = new Map([
  ['\n', '\\n'],
  ['\t', '\\t'],
  ['\r', '\\r'],
  ['\\', '\\\\'],
]);

/**
 * Makes text from a container safe to show on a terminal or in a log: control characters, escape sequences, bidirectional
 * overrides and lone surrogates become visible \xNN or \u{NNNN}; ordinary letters of any script stay.
 */
export function escapeHostile(text: string): string {
  let shown = '';
  for (const character of text) {
    const name = named.get(character);
    if (name !== undefined) shown += name;
    else shown += invisible.test(character) ? escapeCodePoint(character.codePointAt(0) ?? 0) : character;
  }
  return shown;
}

function escapeCodePoint(code: number): string {
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what it is about
const beyondAscii = /[^\x00-\x7f]/;

/** Names and paths as text. File systems keep bytes: what is not UTF-8 shows each byte beyond ASCII as \xNN. */
export function textOfBytes(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return escapeBytes(Buffer.from(bytes).toString('latin1'));
  }
}

/** The same for bytes that are kept as characters up to U+00FF ("latin1"). */
export function textOfByteString(byteString: string): string {
  if (!beyondAscii.test(byteString)) return byteString;
  return textOfBytes(Buffer.from(byteString, 'latin1'));
}

/** Lines of a file that lists paths; each is decoded on its own, so that one odd name does not change the others. */
export function linesOf(bytes: Buffer): string[] {
  const lines = bytes.toString('latin1').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map(textOfByteString);
}

function escapeBytes(byteString: string): string {
  return byteString.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

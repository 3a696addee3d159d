const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

/** UTF-8 text; invalid bytes become U+FFFD, so that nothing from a container can break what comes after. */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Text up to the first NUL. */
export function decodeCString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decodeText(end < 0 ? bytes : bytes.subarray(0, end));
}

/** The parts of a NUL-separated list; a last part without NUL counts. */
export function decodeStringList(bytes: Uint8Array): string[] {
  const parts: string[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0, start);
    parts.push(decodeText(bytes.subarray(start, end < 0 ? bytes.length : end)));
    if (end < 0) break;
    start = end + 1;
  }
  return parts;
}

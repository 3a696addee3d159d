const maxLines = 100_000;

/** The main attributes of a MANIFEST.MF. https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html#jar-manifest */
export function mainAttributes(text: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  let key: string | undefined;
  let count = 0;
  for (const line of text.replace(/^\uFEFF?\s+/, '').split(/\r\n|\n|\r/)) {
    if (line === '' || ++count > maxLines) break;
    if (line.startsWith(' ')) {
      if (key !== undefined) attributes.set(key, `${attributes.get(key)}${line.slice(1)}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    key = line.slice(0, colon).trim().toLowerCase();
    attributes.set(key, line.slice(colon + 1).trim());
  }
  return attributes;
}

/** key=value lines of a pom.properties. */
export function properties(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split(/\r\n|\n|\r/).slice(0, 1_000)) {
    const match = /^\s*([^#!\s=:][^=:\s]*)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (match !== null) values.set(match[1]!, match[2]!);
  }
  return values;
}

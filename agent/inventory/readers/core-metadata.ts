const maxFields = 10_000;

/**
 * Header fields of METADATA and PKG-INFO by name in lower case; the description after the empty line is left out.
 * https://packaging.python.org/en/latest/specifications/core-metadata/
 */
export function coreMetadata(text: string): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  let values: string[] | undefined;
  let count = 0;
  for (const line of text.replace(/^\s+/, '').split(/\r?\n/)) {
    if (line === '' || ++count > maxFields) break;
    if (/^[ \t]/.test(line)) {
      if (values !== undefined) values[values.length - 1] += `\n${line.trim()}`;
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    values = fields.get(name) ?? [];
    values.push(line.slice(colon + 1).trim());
    fields.set(name, values);
  }
  return fields;
}

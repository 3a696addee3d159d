/** Fields of one stanza, names in lower case; lines of a value that go on keep their line ends. */
export type Stanza = ReadonlyMap<string, string>;

/**
 * The stanzas of a Debian control file. Lines that are neither a field nor go on with one are left out.
 * @see https://manpages.debian.org/deb822.5
 */
export function* parseControl(text: string, wanted: ReadonlySet<string>): Generator<Stanza> {
  let fields = new Map<string, string>();
  let name = '';
  for (const line of eachLine(text)) {
    if (line.trim() === '') {
      if (fields.size > 0) yield fields;
      fields = new Map();
      name = '';
    } else if (line.startsWith(' ') || line.startsWith('\t')) {
      if (name !== '') fields.set(name, `${fields.get(name) ?? ''}\n${line.trim()}`);
    } else {
      const colon = line.indexOf(':');
      const field = line.slice(0, Math.max(colon, 0)).toLowerCase();
      name = wanted.has(field) && !fields.has(field) ? field : '';
      if (name !== '') fields.set(name, line.slice(colon + 1).trim());
    }
  }
  if (fields.size > 0) yield fields;
}

function* eachLine(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    yield text.slice(start, end < 0 ? text.length : end);
    start = end < 0 ? text.length : end + 1;
  }
}

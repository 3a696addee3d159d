import { join } from 'node:path/posix';

const maxFiles = 200_000;

export interface RecordFile {
  path: string;
  /** "sha256:…" in hex; undefined where RECORD has none, or one of another algorithm. */
  digest: string | undefined;
}

/**
 * The files in a RECORD, with paths relative to `site` made absolute.
 * https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file
 */
export function readRecord(text: string, site: string): { files: RecordFile[]; malformedLines: number } {
  const files: RecordFile[] = [];
  let malformedLines = 0;
  for (const line of text.split(/\r?\n/)) {
    if (line === '') continue;
    const fields = fieldsOf(line);
    const path = fields?.[0] ?? '';
    if (fields?.length !== 3 || path === '' || path.includes('\0') || files.length >= maxFiles) {
      malformedLines++;
      continue;
    }
    files.push({ path: path.startsWith('/') ? path : join(site, path), digest: digestOf(fields[1] ?? '') });
  }
  return { files, malformedLines };
}

/** One line of CSV; a quoted field may hold commas and doubled quotes. Undefined when a quote is not closed. */
function fieldsOf(line: string): string[] | undefined {
  if (!line.includes('"')) return line.split(',');
  const fields: string[] = [];
  for (let at = 0; at <= line.length; ) {
    if (line[at] !== '"') {
      const comma = line.indexOf(',', at);
      const end = comma < 0 ? line.length : comma;
      fields.push(line.slice(at, end));
      at = end + 1;
      continue;
    }
    let end = at + 1;
    while (end < line.length && (line[end] !== '"' || line[end + 1] === '"')) end += line[end] === '"' ? 2 : 1;
    if (end >= line.length) return undefined;
    fields.push(line.slice(at + 1, end).replaceAll('""', '"'));
    if (end + 1 < line.length && line[end + 1] !== ',') return undefined;
    at = end + 2;
  }
  return fields;
}

/** "sha256=<urlsafe base64 without padding>" */
function digestOf(text: string): string | undefined {
  const value = /^sha256=([A-Za-z0-9_-]{43})=?$/.exec(text)?.[1];
  return value === undefined ? undefined : `sha256:${Buffer.from(value, 'base64url').toString('hex')}`;
}

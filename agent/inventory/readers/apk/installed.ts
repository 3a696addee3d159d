import { textOfBytes } from '../../path-text.ts';

/** A package of an apk database. */
export interface ApkPackage {
  name: string;
  version: string;
  architecture: string;
  /** Name of the source package (APKBUILD); "" where it is not told. */
  origin: string;
  license: string;
  /** Made by `apk add --virtual`: a name for others, with nothing in it. */
  isVirtual: boolean;
  files: { path: string; digest: string }[];
}

const fieldPattern = /^([A-Za-z]):(.*)$/;

/**
 * The packages of lib/apk/db/installed; undefined for a stanza without a name and version.
 * @see https://wiki.alpinelinux.org/wiki/Apk_spec (installed database)
 */
export function* parseInstalled(bytes: Buffer): Generator<ApkPackage | undefined> {
  let current: Stanza | undefined;
  for (const line of textOfBytes(bytes).split('\n')) {
    if (line.trim() === '') {
      if (current !== undefined) yield current.package();
      current = undefined;
      continue;
    }
    const [, letter, value] = fieldPattern.exec(line) ?? [];
    current ??= new Stanza();
    if (letter !== undefined && value !== undefined) current.take(letter, value);
  }
  if (current !== undefined) yield current.package();
}

class Stanza {
  readonly #fields = new Map<string, string>();
  readonly #files: { path: string; digest: string }[] = [];
  #directory = '';

  take(letter: string, value: string): void {
    if (letter === 'F') this.#directory = value === '' ? '' : `/${value}`;
    else if (letter === 'R') this.#files.push({ path: `${this.#directory}/${value}`, digest: '' });
    else if (letter === 'Z') {
      const file = this.#files.at(-1);
      if (file !== undefined) file.digest = digestOf(value);
    } else if (!this.#fields.has(letter)) this.#fields.set(letter, value);
  }

  package(): ApkPackage | undefined {
    const field = (letter: string): string => this.#fields.get(letter) ?? '';
    const [name, version] = [field('P'), field('V')];
    if (name === '' || version === '') return undefined;
    const isVirtual = this.#files.length === 0 && (name.startsWith('.') || field('T') === 'virtual meta package');
    const [architecture, origin, license] = [field('A'), field('o'), field('L')];
    return { name, version, architecture, origin, license, isVirtual, files: this.#files };
  }
}

/** "Q1" is SHA-1 and "Q2" SHA-256, in base64; without it MD5 in hex, as long ago. */
function digestOf(checksum: string): string {
  const algorithms: Record<string, [name: string, bytes: number]> = { Q1: ['sha1', 20], Q2: ['sha256', 32] };
  const algorithm = algorithms[checksum.slice(0, 2)];
  if (algorithm === undefined) return /^[0-9a-f]{32}$/.test(checksum) ? `md5:${checksum}` : '';
  const bytes = Buffer.from(checksum.slice(2), 'base64');
  return bytes.length === algorithm[1] ? `${algorithm[0]}:${bytes.toString('hex')}` : '';
}

/** What tells packages of a database apart. */
export function keyOf({ name, version, architecture }: ApkPackage): string {
  return `${name}:${architecture}=${version}`;
}

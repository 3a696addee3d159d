import type { InventoryPackage, PackageType } from '../../common/inventory.ts';
import type { ImageTree, InventorySink, TreeEntry } from './image-tree.ts';
import { InventoryError } from './inventory-error.ts';
import { problemOf } from './problem-of.ts';
import { purlOf } from './purl.ts';

/** What a reader of language packages knows; the rest of InventoryPackage follows from it. */
export interface LanguagePackage {
  type: PackageType;
  /** Group, scope or module path before the last part; "" where there is none. */
  namespace: string;
  /** Last part of the name in a package URL. */
  purlName: string;
  /** As its ecosystem writes it: "@scope/name", "golang.org/x/sys". */
  name: string;
  /** "" when the package does not say. */
  version: string;
  layer: number;
  location: string;
  architecture?: string;
  licenses?: readonly string[];
  directories?: readonly string[];
  qualifiers?: Readonly<Record<string, string>>;
}

/** Throws InventoryError for a name that no package URL can be made of. */
export function languagePackage(found: LanguagePackage): InventoryPackage {
  return {
    type: found.type,
    name: found.name,
    version: found.version,
    purl: packageUrl(found),
    architecture: found.architecture ?? '',
    sourceName: '',
    sourceVersion: '',
    licenses: found.licenses ?? [],
    layer: found.layer,
    location: found.location,
    directories: found.directories ?? [],
  };
}

function packageUrl({ type, namespace, purlName, version, qualifiers }: LanguagePackage): string {
  const parts = { type, namespace, name: purlName, qualifiers };
  // A version that package URLs of this type cannot have must not hide the package.
  const purl = purlOf({ ...parts, version }) ?? purlOf({ ...parts, version: '' });
  if (purl === undefined) throw new InventoryError('malformed', 'its name is not one of a package');
  return purl;
}

/** Runs `read` for each entry; what it throws becomes a problem of that entry, and the next is read. */
export async function readEach(
  reader: string,
  wanted: readonly TreeEntry[],
  sink: InventorySink,
  read: (entry: TreeEntry) => void | Promise<void>,
): Promise<void> {
  for (const entry of wanted) {
    if (sink.exhausted) return;
    try {
      await read(entry);
    } catch (error) {
      sink.addProblem(problemOf(reader, entry.path, error, 'its packages are not listed'));
    }
  }
}

/**
 * The lowest layer from which on the file has had these bytes: what copies files up (chown -R) brings no package. Of small
 * files only.
 */
export function lowestLayer(tree: ImageTree, entry: TreeEntry, bytes: Buffer): number {
  let lowest = entry.layer;
  if (lowest === 0) return lowest;
  for (const layer of tree.layersWith(entry.path).toSorted((a, b) => b - a)) {
    if (layer >= lowest) continue;
    try {
      if (!tree.readAtLayer(entry.path, layer, bytes.length)?.equals(bytes)) break;
    } catch {
      break;
    }
    lowest = layer;
  }
  return lowest;
}

/** The bytes as text; what is no UTF-8 is read as Latin-1, which is what such old files are. */
export function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

/** A JSON document that must be an object. Throws InventoryError. */
export function jsonObject(bytes: Buffer, what: string): Readonly<Record<string, unknown>> {
  let json: unknown;
  try {
    json = JSON.parse(textOf(bytes));
  } catch {
    throw new InventoryError('malformed', `${what} is no JSON`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new InventoryError('malformed', `${what} is JSON, but not an object`);
  return json as Readonly<Record<string, unknown>>;
}

/** A short text without control characters, trimmed; undefined for everything else. */
export function shortText(value: unknown, maxLength = 512): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those are refused
  return text === '' || text.length > maxLength || /[\u0000-\u001f\u007f]/.test(text) ? undefined : text;
}

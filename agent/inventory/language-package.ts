import { PackageURL } from 'packageurl-js';
import { errorText } from '../../common/errors.ts';
import type { InventoryPackage, PackageType } from '../../common/inventory.ts';
import type { ImageTree, InventorySink, TreeEntry } from './image-tree.ts';
import { InventoryError } from './inventory-error.ts';

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

/** Throws InventoryError for a name or version that no package URL can be made of. */
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
  try {
    return new PackageURL(type, namespace || null, purlName, version || null, qualifiers ?? null, null).toString();
  } catch (error) {
    throw new InventoryError('malformed', 'the name or version is not one of a package', { cause: error });
  }
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
      sink.addProblem(problemOf(reader, entry.path, error));
    }
  }
}

function problemOf(reader: string, path: string, thrown: unknown): Parameters<InventorySink['addProblem']>[0] {
  const code = thrown instanceof InventoryError ? thrown.code : 'unreadable';
  return { reader, path, code, reason: `${errorText(thrown).slice(0, 300)}; its packages are not listed` };
}

/**
 * The lowest layer that has the same bytes at this path: what copies files up (chown -R) brings no package. Of small
 * files only.
 */
export function lowestLayer(tree: ImageTree, entry: TreeEntry, bytes: Buffer): number {
  let layer = entry.layer;
  while (layer > 0 && tree.readAtLayer(entry.path, layer - 1, bytes.length)?.equals(bytes)) layer--;
  return layer;
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

import type { Distribution } from '../../common/inventory.ts';
import type { ImageTree } from './image-tree.ts';
import { textOfBytes } from './path-text.ts';

const maxBytes = 64 * 1024;
const maxValueLength = 256;
const paths = ['/etc/os-release', '/usr/lib/os-release'] as const;

/**
 * What distribution the image is. Undefined where it does not say.
 * @see https://www.freedesktop.org/software/systemd/man/latest/os-release.html
 * @throws {InventoryError} when the file is there and cannot be read
 */
export function readDistribution(tree: ImageTree): Distribution | undefined {
  const path = paths.find((each) => tree.resolve(each)?.kind === 'file');
  return path === undefined ? undefined : parseOsRelease(textOfBytes(tree.read(path, maxBytes)));
}

/** Undefined when it names no ID. */
export function parseOsRelease(text: string): Distribution | undefined {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^\s*([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) values.set(name, unquote(value.trim()).slice(0, maxValueLength));
  }
  const id = values.get('ID')?.toLowerCase() ?? '';
  if (!/^[a-z0-9._-]+$/.test(id)) return undefined;
  const idLike = (values.get('ID_LIKE') ?? '').split(/\s+/).filter((each) => each !== '');
  return { id, versionId: values.get('VERSION_ID') ?? '', idLike };
}

/** Values are quoted as in a shell. */
function unquote(value: string): string {
  const quote = value[0];
  if (quote === "'" && value.length > 1 && value.endsWith(quote)) return value.slice(1, -1);
  const inner = quote === '"' && value.length > 1 && value.endsWith(quote) ? value.slice(1, -1) : value;
  return inner.replace(/\\(.)/g, '$1');
}

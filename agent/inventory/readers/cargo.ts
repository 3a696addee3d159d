import { inflateSync } from 'node:zlib';
import { z } from 'zod';
import { readElf, sectionBytes } from '../elf.ts';
import type { ImageTree, InventorySink, PackageReader, TreeEntry } from '../image-tree.ts';
import { InventoryError } from '../inventory-error.ts';
import { jsonObject, languagePackage, readEach } from '../language-package.ts';
import { isExecutable } from './executable.ts';

const maxCompressedBytes = 2 * 1024 * 1024;
const maxJsonBytes = 8 * 1024 * 1024;
const maxPackages = 50_000;

/** https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md; only the fields that are read. */
const schema = z.object({
  packages: z
    .array(
      z.object({
        name: z.string().min(1).max(256),
        version: z.string().min(1).max(256),
        kind: z.enum(['runtime', 'build']).default('runtime'),
        root: z.boolean().default(false),
      }),
    )
    .max(maxPackages),
});

/** Crates that Rust programs built with cargo-auditable say they were made of. */
export const cargoReader: PackageReader = {
  name: 'cargo',
  wants: isExecutable,
  read: (tree, wanted, sink) => readEach('cargo', wanted, sink, (entry) => readOne(tree, entry, sink)),
};

function readOne(tree: ImageTree, entry: TreeEntry, sink: InventorySink): void {
  const read = (offset: number, length: number): Buffer => tree.readRange(entry.path, offset, length);
  const elf = readElf(read);
  const compressed = elf === undefined ? undefined : sectionBytes(read, elf, '.dep-v0', maxCompressedBytes);
  if (compressed === undefined) return;
  const parsed = schema.safeParse(jsonObject(inflate(compressed), 'section .dep-v0'));
  if (!parsed.success)
    throw new InventoryError(
      'malformed',
      `section .dep-v0 is no list of crates: ${parsed.error.issues[0]?.path.join('.')} ${parsed.error.issues[0]?.message}`,
    );
  const linked = parsed.data.packages.filter(({ kind }) => kind === 'runtime');
  for (const { name, version } of linked.toSorted((a, b) => Number(b.root) - Number(a.root))) {
    const owner = sink.addPackage(
      languagePackage({
        type: 'cargo',
        namespace: '',
        purlName: name,
        name,
        version,
        layer: entry.layer,
        location: entry.path,
      }),
    );
    sink.addEvidence(owner, entry.path);
  }
}

function inflate(compressed: Buffer): Buffer {
  try {
    return inflateSync(compressed, { maxOutputLength: maxJsonBytes });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE')
      throw new InventoryError('too-large', `section .dep-v0 inflates to more than ${maxJsonBytes} bytes`);
    throw new InventoryError('malformed', 'section .dep-v0 is not compressed as it should be', { cause: error });
  }
}

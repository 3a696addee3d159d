import type { TreeEntry } from '../image-tree.ts';

const minElfBytes = 52;

/** Regular files that may be executed and are large enough for an ELF header. */
export function isExecutable({ kind, mode, sizeBytes }: TreeEntry): boolean {
  return kind === 'file' && (mode & 0o111) !== 0 && sizeBytes >= minElfBytes;
}

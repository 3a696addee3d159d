import type { FileOperation } from '../decode/kernel-event.ts';
import { Fan } from './fanotify.ts';

const madeNew = Fan.create | Fan.onDirectory;

/** What to ask of a directory in order to see this of the files in it. */
const inDirectory: Record<FileOperation, number> = {
  open: Fan.open | Fan.onChild,
  read: Fan.access | Fan.onChild,
  write: Fan.closeWrite | Fan.onChild,
  truncate: Fan.closeWrite | Fan.onChild,
  create: madeNew,
  delete: Fan.delete | Fan.onDirectory,
  rename: Fan.rename | Fan.onDirectory,
  link: madeNew,
  symlink: madeNew,
  mknod: madeNew,
  chmod: Fan.attrib | Fan.onChild,
};

/** What to ask of a file itself. Names come and go in its directory: that is where those operations are seen. */
const ofFile: Partial<Record<FileOperation, number>> = {
  open: Fan.open,
  read: Fan.access,
  write: Fan.modify | Fan.closeWrite,
  truncate: Fan.modify,
  chmod: Fan.attrib,
};

/** The events of a mark that shows these operations. */
export function maskOf(operations: Iterable<FileOperation>, kind: 'file' | 'directory'): number {
  let mask = 0;
  for (const operation of operations) mask |= kind === 'directory' ? inDirectory[operation] : (ofFile[operation] ?? 0);
  return mask;
}

import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the files of a container's root come from. Paths are the host's. */
export type OverlayRoot =
  | {
      state: 'overlay';
      /** Uppermost layer first. */
      lowerDirectories: string[];
      /** Empty for a read-only overlay. */
      upperDirectory: string;
      workDirectory: string;
      /** True when the mount was made from within some directory that mountinfo does not tell. */
      relative: boolean;
    }
  /** The root is a file system of its own (btrfs, vfs, a host directory). */
  | { state: 'not-overlay'; filesystemType: string }
  /** Could not be told. */
  | { state: 'unknown'; reason: string };

/**
 * Where container runtimes keep layers: Docker and podman (overlay2, overlay), containerd (snapshots). The path comes from the
 * mounts of the container, which one that may mount can arrange: it must not be led to other directories of the host.
 */
export const runtimeLayerPath = /\/(?:overlay2?|overlay-containers)\/[^/]+\/diff$|\/snapshots\/\d+\/fs$/;

const maxMountinfoBytes = 4 * 1024 * 1024;
const maxLowerDirectories = 512;

/** The root of the mount namespace of a process, from /proc/<pid>/mountinfo. Never throws. */
export async function readOverlayRoot(procRoot: string, pid: number): Promise<OverlayRoot> {
  const path = join(procRoot, String(pid), 'mountinfo');
  try {
    const file = await open(path, 'r');
    try {
      const { text, complete } = await readBounded(file);
      const root = parseOverlayRoot(text);
      if (complete || root.state === 'overlay') return root;
      return { state: 'unknown', reason: `${path} is longer than ${maxMountinfoBytes} bytes` };
    } finally {
      await file.close();
    }
  } catch (error) {
    return { state: 'unknown', reason: `${path}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

async function readBounded(file: Awaited<ReturnType<typeof open>>): Promise<{ text: string; complete: boolean }> {
  const chunks: Buffer[] = [];
  let length = 0;
  while (length < maxMountinfoBytes) {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(64 * 1024) });
    if (bytesRead === 0) return { text: Buffer.concat(chunks).toString('utf8'), complete: true };
    chunks.push(buffer.subarray(0, bytesRead));
    length += bytesRead;
  }
  return { text: Buffer.concat(chunks).toString('utf8'), complete: false };
}

/**
 * Finds the mount at "/" in the text of a mountinfo file; of several on top of each other the last one counts.
 * @see https://docs.kernel.org/filesystems/proc.html (3.5) and https://docs.kernel.org/filesystems/overlayfs.html
 */
export function parseOverlayRoot(mountinfo: string): OverlayRoot {
  let root: string[] | undefined;
  for (const line of mountinfo.split('\n')) {
    const fields = line.split(' ');
    if (fields[4] === '/') root = fields;
  }
  if (root === undefined) return { state: 'unknown', reason: 'no mount at / in mountinfo' };
  const separator = root.indexOf('-', 6);
  const filesystemType = root[separator + 1];
  const options = root[separator + 3];
  if (separator < 0 || filesystemType === undefined || options === undefined)
    return { state: 'unknown', reason: 'the line of the mount at / is malformed' };
  if (filesystemType !== 'overlay') return { state: 'not-overlay', filesystemType };
  return parseOverlayOptions(options);
}

function parseOverlayOptions(options: string): OverlayRoot {
  const lowerDirectories: string[] = [];
  let upperDirectory = '';
  let workDirectory = '';
  // Commas inside values are escaped, so every comma separates.
  for (const option of options.split(',')) {
    const equals = option.indexOf('=');
    if (equals < 0) continue;
    const name = option.slice(0, equals);
    const value = option.slice(equals + 1);
    // "lowerdir+" is how kernels show layers that were added one by one (6.8); data-only layers follow "::".
    if (name === 'lowerdir') lowerDirectories.push(...splitLayers(value));
    else if (name === 'lowerdir+' || name === 'datadir+') lowerDirectories.push(unescapeMount(value));
    else if (name === 'upperdir') upperDirectory = unescapeMount(value);
    else if (name === 'workdir') workDirectory = unescapeMount(value);
  }
  if (lowerDirectories.length === 0) return { state: 'unknown', reason: 'the overlay at / names no lower directory' };
  if (lowerDirectories.length > maxLowerDirectories)
    return { state: 'unknown', reason: `the overlay at / has more than ${maxLowerDirectories} layers` };
  const relative = [...lowerDirectories, upperDirectory].some((path) => path !== '' && !path.startsWith('/'));
  return { state: 'overlay', lowerDirectories, upperDirectory, workDirectory, relative };
}

/** Layers are separated by colons; a colon that belongs to a path is written "\:". */
function splitLayers(value: string): string[] {
  return unescapeMount(value)
    .split(/(?<!\\):/)
    .filter((layer) => layer !== '')
    .map((layer) => layer.replaceAll('\\:', ':'));
}

/** mountinfo shows blanks, backslashes, commas and the like as \ooo. */
function unescapeMount(text: string): string {
  return text.replace(/(?:\\[0-7]{3})+/g, (escaped) => {
    const bytes = escaped.split('\\').slice(1);
    return Buffer.from(bytes.map((octal) => Number.parseInt(octal, 8) & 0xff)).toString('utf8');
  });
}

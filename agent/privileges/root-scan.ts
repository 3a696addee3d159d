import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { errorText } from '../../common/errors.ts';
import { type OverlayRoot, runtimeLayerPath } from '../container/overlay.ts';
import { ImageLayers } from './image-layers.ts';
import type { PrivilegeFact } from './privilege-facts.ts';
import { findWrittenDirectories, type WalkOptions, type WrittenDirectory } from './written-directories.ts';

const permissionBits = 0o7777;
/** Above it, memory is no place for what is written. */
const largeBytes = 64 * 1024 * 1024;

/** Looks a container's writable layer through; the facts that follow. Never throws. */
export async function scanRoot(procRoot: string, root: OverlayRoot, options: WalkOptions): Promise<PrivilegeFact[]> {
  if (root.state === 'not-overlay')
    return [scanned('not-overlay', `its root is ${root.filesystemType}, which does not tell what was written`)];
  if (root.state === 'unknown') return [scanned('unknown', root.reason)];
  if (root.upperDirectory === '') return [scanned('read-only', '')];
  if (root.relative || !runtimeLayerPath.test(root.upperDirectory))
    return [scanned('unknown', `${root.upperDirectory} is no place where a container runtime keeps writable layers`)];
  // The host's files: the agent's own, but where it is a container.
  return await scanOverlay(procRoot === '/proc' ? '/' : join(procRoot, '1/root'), root, options);
}

async function scanOverlay(
  hostRoot: string,
  { upperDirectory, lowerDirectories }: Extract<OverlayRoot, { state: 'overlay' }>,
  options: WalkOptions,
): Promise<PrivilegeFact[]> {
  let layers: ImageLayers | undefined;
  try {
    layers = new ImageLayers(lowerDirectories.map((directory) => join(hostRoot, directory)));
    const { directories, incompleteReason } = await findWrittenDirectories(
      join(hostRoot, upperDirectory),
      layers,
      options,
    );
    return [...directories.map(written), scanned('overlay', incompleteReason)];
  } catch (error) {
    return [scanned('overlay', errorText(error))];
  } finally {
    layers?.close();
  }
}

function written({ path, stats, hidden, ownerUids, writtenBytes, example }: WrittenDirectory): PrivilegeFact {
  const value = {
    directory: imageDirectory(path, stats),
    hidesFiles: hidden.hasFiles,
    hiddenDirectories: hidden.directories.map((each) => imageDirectory(each.path, each.stats)),
    ownerUids: [...ownerUids].sort((a, b) => a - b),
    large: writtenBytes > largeBytes,
    example,
  };
  return { $case: 'writtenDirectory', value };
}

function imageDirectory(path: string, { uid, gid, mode }: Stats) {
  return { path, uid, gid, mode: mode & permissionBits };
}

function scanned(root: string, reason: string): PrivilegeFact {
  const complete = root === 'read-only' || (root === 'overlay' && reason === '');
  return { $case: 'rootScanned', value: { root, complete, reason } };
}

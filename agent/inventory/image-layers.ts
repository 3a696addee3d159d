import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { errorText } from '../../common/errors.ts';
import { type Container, ContainerState } from '../container/container.ts';
import { type OverlayRoot, readOverlayRoot, runtimeLayerPath } from '../container/overlay.ts';
import { containersOfProcess } from '../files/container-root.ts';
import type { ImageLayer } from './inventory.ts';

/** The layers of an image on this host, or why they cannot be told. */
export type ImageLayers = { layers: ImageLayer[] } | { cannot: string };

export interface ImageLayersOptions {
  procRoot: string;
  /** Diff ids of the container's image, the lowest first; empty when they are not known. */
  layerDigests(container: Container): Promise<readonly string[]>;
}

/**
 * Docker's own layer on top of an image's, with mount points for /etc/hosts and the like; containerd and podman put theirs
 * into the writable one.
 */
const initLayer = /-init\/diff$/;

/**
 * The layers that a container's root is mounted from, without the writable one. Only directories where a runtime keeps
 * layers count, whatever the mounts of the container say.
 */
export async function imageLayersOf(container: Container, options: ImageLayersOptions): Promise<ImageLayers> {
  if (container.state !== ContainerState.RUNNING || container.initPid === 0)
    return { cannot: 'the container does not run, and layers are found by what is mounted' };
  const root = await readOverlayRoot(options.procRoot, container.initPid);
  // Its pid may be another process's by now.
  const owners = containersOfProcess(join(options.procRoot, String(container.initPid)));
  if (owners?.at(-1) !== container.id) return { cannot: 'the first process of the container is gone' };
  const found = directoriesOf(root, options.procRoot === '/proc' ? '/' : join(options.procRoot, '1/root'));
  if ('cannot' in found) return found;
  const digests = await diffIdsOf(container, options);
  // Otherwise a layer would be taken for another one.
  const known = digests.length === found.directories.length;
  const layers = found.directories.map((directory, index) => ({
    directory,
    digest: known ? (digests[index] ?? '') : '',
  }));
  return { layers };
}

/** The lowest first. */
function directoriesOf(root: OverlayRoot, hostRoot: string): { directories: string[] } | { cannot: string } {
  if (root.state === 'not-overlay')
    return { cannot: `the root of the container is ${root.filesystemType}: its layers cannot be told apart` };
  if (root.state === 'unknown') return { cannot: root.reason };
  if (root.relative)
    return { cannot: 'the runtime mounted the layers by relative names, and it is not known from which directory' };
  const directories: string[] = [];
  for (const directory of root.lowerDirectories.toReversed()) {
    let place: string;
    try {
      // Docker names layers by short links.
      place = realpathSync(join(hostRoot, directory));
    } catch (error) {
      return { cannot: `the layer ${directory} cannot be found: ${errorText(error)}` };
    }
    if (!runtimeLayerPath.test(place))
      return { cannot: `${directory} is no place where a container runtime keeps layers` };
    directories.push(place);
  }
  if (initLayer.test(directories.at(-1) ?? '')) directories.pop();
  return directories.length === 0 ? { cannot: 'the image has no layers' } : { directories };
}

async function diffIdsOf(container: Container, options: ImageLayersOptions): Promise<readonly string[]> {
  try {
    return await options.layerDigests(container);
  } catch {
    // Without them the inventory is as good; only what it has of a layer cannot be shared between images.
    return [];
  }
}

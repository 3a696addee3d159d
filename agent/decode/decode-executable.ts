import type { Executable, ExecutableLayer } from './kernel-event.ts';
import { ExecFlag, type ExecutableFile, executableFileBytes, readExecutableFile } from './layout.generated.ts';
import { RegionMemo } from './region-memo.ts';
import { decodeStringList } from './text.ts';

const overlayfsMagic = 0x794c7630n;
const tmpfsMagic = 0x01021994n;
const setuidBit = 0o4000;
const setgidBit = 0o2000;

/**
 * Executables by what their bytes say; the region is the struct and, right behind it in a buffer of this module's own, the
 * components of the path.
 */
const executables = new RegionMemo(2048, decodeFile);
const region = new Uint8Array(8192);
const regionView = new DataView(region.buffer);

/** The file struct is at `fileAt`, the path's components take `pathSize` bytes at `pathAt`. */
export function decodeExecutable(view: DataView, fileAt: number, pathAt: number, pathSize: number): Executable {
  const length = executableFileBytes + pathSize;
  const file = new Uint8Array(view.buffer, view.byteOffset + fileAt, executableFileBytes);
  const path = new Uint8Array(view.buffer, view.byteOffset + pathAt, pathSize);
  if (length > region.length) return executableOf(readExecutableFile(view, fileAt), decodeStringList(path));
  region.set(file);
  region.set(path, executableFileBytes);
  return executables.get(regionView, 0, length);
}

function decodeFile(view: DataView, at: number, length: number): Executable {
  const path = new Uint8Array(view.buffer, view.byteOffset + at + executableFileBytes, length - executableFileBytes);
  return executableOf(readExecutableFile(view, at), decodeStringList(path));
}

/** Components arrive leaf first. A path that was cut has lost its front, which an ellipsis says. */
export function joinPath(components: readonly string[], truncated: boolean): string {
  return `${truncated ? '…' : ''}/${components.toReversed().join('/')}`;
}

function executableOf(file: ExecutableFile, components: string[]): Executable {
  const truncated = (file.flags & ExecFlag.EXEC_PATH_TRUNCATED) !== 0;
  const layer = layerOf(file, components);
  return {
    path: layer === 'memfd' ? (components[0] ?? 'memfd:') : joinPath(components, truncated),
    pathTruncated: truncated,
    layer,
    unlinked: file.linkCount === 0,
    device: file.device,
    inode: file.inode,
    setuid: (file.mode & setuidBit) !== 0,
    setgid: (file.mode & setgidBit) !== 0,
    mtimeNs: file.mtimeNs,
    ctimeNs: file.ctimeNs,
  };
}

function layerOf(file: ExecutableFile, components: readonly string[]): ExecutableLayer {
  const isTmpfs = file.filesystemMagic === tmpfsMagic;
  const disconnected = (file.flags & ExecFlag.EXEC_DISCONNECTED) !== 0;
  if (disconnected && isTmpfs && components[0]?.startsWith('memfd:') === true) return 'memfd';
  if (isTmpfs) return 'tmpfs';
  const onRootMount = (file.flags & ExecFlag.EXEC_ROOT_MOUNT) !== 0;
  if (file.filesystemMagic === overlayfsMagic) {
    if ((file.flags & ExecFlag.EXEC_OVERLAY_UPPER) !== 0) return 'writable';
    return onRootMount ? 'image' : 'mount';
  }
  return onRootMount ? 'unknown' : 'mount';
}

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  opendirSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs';
import { errorText } from '../../common/errors.ts';
import { inventoryLimits } from '../../common/inventory.ts';
import { attributeOf, Open, openBeneath, withFd } from '../files/syscalls.ts';
import { SystemError } from '../files/system-error.ts';
import { Kind, noEntry, rootId } from './entry-table.ts';
import { InventoryError } from './inventory-error.ts';
import type { Layer, LayerEntry, LayerFile, LayerLookup, LayerVisitor } from './layer.ts';
import { textOfByteString, textOfBytes } from './path-text.ts';

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY;
const permissionBits = 0o7777;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what it is about
const asciiOnly = /^[\x00-\x7f]*$/;

interface OpenDirectory {
  id: number;
  /** Bytes, one character each, with a slash at the end; "" for the layer itself. */
  prefix: string;
}

/**
 * A directory of this host that is one layer (overlayfs: https://docs.kernel.org/filesystems/overlayfs.html) or a whole tree.
 * Every open is beneath it and through no symbolic link, so that whatever is in it, nothing outside of it is read, even if
 * somebody changes it meanwhile. Only regular files are opened, devices and FIFOs never.
 */
export class DirectoryLayer implements Layer {
  readonly #root: number;

  /** @throws {InventoryError} when it cannot be opened as a directory */
  constructor(directory: string) {
    try {
      this.#root = openSync(directory, Open.path | constants.O_DIRECTORY);
    } catch (error) {
      throw new InventoryError('unreadable', `${directory} cannot be opened as a layer`, { cause: error });
    }
  }

  close(): void {
    closeSync(this.#root);
  }

  walk(visitor: LayerVisitor): void {
    const pending: OpenDirectory[] = [{ id: rootId, prefix: '' }];
    for (let at = pending.pop(); at !== undefined && !visitor.stopped; at = pending.pop()) {
      try {
        const fd = openBeneath(this.#root, bytesOf(at.prefix === '' ? '.' : at.prefix), directoryFlags);
        withFd(fd, (open) => walkDirectory(open, at, pending, visitor));
      } catch (error) {
        visitor.problem(unreadableDirectory(visitor.pathOf(at.id), error));
      }
    }
  }

  open(path: Buffer): LayerLookup {
    try {
      return this.#openFile(path);
    } catch (error) {
      if (error instanceof InventoryError) throw error;
      if (error instanceof SystemError && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
        return this.#hides(path) ? 'hidden' : 'absent';
      throw new InventoryError('unreadable', `${textOfBytes(path)} cannot be opened`, { cause: error });
    }
  }

  #openFile(path: Buffer): LayerLookup {
    // Its type is looked at first: opening a device would ask its driver.
    if (!withFd(openBeneath(this.#root, path, Open.path), (fd) => fstatSync(fd).isFile())) return 'hidden';
    const fd = openBeneath(this.#root, path, constants.O_RDONLY);
    const stats = fstatSync(fd);
    if (stats.isFile() && !isStandIn(fd, stats)) return new OpenFile(fd, stats.size, path);
    closeSync(fd);
    if (!stats.isFile()) return 'hidden';
    throw new InventoryError(
      'unsupported',
      `${textOfBytes(path)} is a stand-in of overlayfs (metacopy) whose content is in another layer`,
    );
  }

  /** Whether a parent is removed, replaced or emptied in this layer. */
  #hides(path: Buffer): boolean {
    const parts = path.toString('latin1').split('/');
    for (let count = 0; count < parts.length; count++) {
      const prefix = count === 0 ? '.' : parts.slice(0, count).join('/');
      try {
        const isOpen = withFd(openBeneath(this.#root, bytesOf(prefix), directoryFlags), (fd) => !isOpaque(fd));
        if (!isOpen) return true;
      } catch (error) {
        return !(error instanceof SystemError && error.code === 'ENOENT');
      }
    }
    return false;
  }
}

function walkDirectory(fd: number, at: OpenDirectory, pending: OpenDirectory[], visitor: LayerVisitor): void {
  const marks = overlayMarks(fd);
  if (marks.opaque) visitor.close(at.id);
  if (marks.redirected)
    visitor.problem({
      ...{ reader: 'tree', path: visitor.pathOf(at.id), code: 'unsupported' },
      reason:
        'overlayfs has the rest of this directory under another name (redirect_dir): what is there is missing here',
    });
  const place = `/proc/self/fd/${fd}/`;
  const entries = opendirSync(place, { encoding: 'latin1', bufferSize: 256 });
  try {
    for (let entry = entries.readSync(); entry !== null && !visitor.stopped; entry = entries.readSync()) {
      const rawName = entry.name;
      const prefix = `${at.prefix}${rawName}/`;
      const isLong = prefix.length >= inventoryLimits.maxPathBytes;
      if (isLong) visitor.problem(tooDeep(visitor.pathOf(at.id)));
      const found = isLong ? undefined : lookAt(place, rawName, marks.attributeWhiteouts, visitor, at.id);
      const id = found === undefined ? noEntry : visitor.visit(at.id, found);
      if (id !== noEntry) pending.push({ id, prefix });
    }
  } finally {
    entries.closeSync();
  }
}

function lookAt(
  place: string,
  rawName: string,
  attributeWhiteouts: boolean,
  visitor: LayerVisitor,
  directory: number,
): LayerEntry | undefined {
  const ascii = asciiOnly.test(rawName);
  const path = ascii ? place + rawName : bytesOf(place + rawName);
  try {
    const stats = lstatSync(path);
    const name = textOfByteString(rawName);
    const raw = ascii || Buffer.from(name).equals(bytesOf(rawName)) ? undefined : bytesOf(rawName);
    const removed = isWhiteout(stats) || (attributeWhiteouts && stats.isFile() && stats.size === 0 && isMarked(path));
    const linkTarget = stats.isSymbolicLink() ? textOfBytes(readlinkSync(path, 'buffer')) : '';
    const kind = removed ? Kind.removed : kindOf(stats);
    return { kind, name, rawName: raw, sizeBytes: stats.size, mode: stats.mode & permissionBits, linkTarget };
  } catch (error) {
    const path = `${visitor.pathOf(directory)}/${textOfByteString(rawName)}`;
    visitor.problem({ reader: 'tree', path, code: 'unreadable', reason: errorText(error) });
    return undefined;
  }
}

function kindOf(stats: Stats): LayerEntry['kind'] {
  if (stats.isFile()) return Kind.file;
  if (stats.isDirectory()) return Kind.directory;
  return stats.isSymbolicLink() ? Kind.symlink : Kind.other;
}

function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

/** A whiteout that is an attribute of an empty file (overlays in overlays, and without privileges). */
function isMarked(path: string | Buffer): boolean {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  return withFd(fd, () => attribute(fd, 'whiteout') !== undefined);
}

function overlayMarks(fd: number): { opaque: boolean; attributeWhiteouts: boolean; redirected: boolean } {
  const opaque = attribute(fd, 'opaque');
  return {
    opaque: opaque === 'y',
    attributeWhiteouts: opaque === 'x',
    redirected: attribute(fd, 'redirect') !== undefined,
  };
}

function isOpaque(fd: number): boolean {
  return attribute(fd, 'opaque') === 'y';
}

/** Only a sparse file has no blocks and a size, so that few are asked. */
function isStandIn(fd: number, stats: Stats): boolean {
  return stats.size > 0 && stats.blocks === 0 && attribute(fd, 'metacopy') !== undefined;
}

function attribute(fd: number, name: string): string | undefined {
  const value = attributeOf(fd, `trusted.overlay.${name}`) ?? attributeOf(fd, `user.overlay.${name}`);
  return value?.toString('latin1');
}

function bytesOf(byteString: string): Buffer {
  return Buffer.from(byteString, 'latin1');
}

function unreadableDirectory(path: string, error: unknown) {
  const crosses = error instanceof SystemError && error.code === 'EXDEV';
  return {
    ...{ reader: 'tree', path, code: crosses ? 'unsupported' : 'unreadable' },
    reason: crosses
      ? 'another file system is mounted here: what is in it is not looked at'
      : `${errorText(error)}: what is in this directory is missing`,
  };
}

function tooDeep(path: string) {
  const reason = `paths below are longer than ${inventoryLimits.maxPathBytes} bytes: they are left out`;
  return { reader: 'tree', path, code: 'limit', reason };
}

class OpenFile implements LayerFile {
  readonly sizeBytes: number;
  readonly #fd: number;
  readonly #path: Buffer;

  constructor(fd: number, sizeBytes: number, path: Buffer) {
    this.#fd = fd;
    this.sizeBytes = sizeBytes;
    this.#path = path;
  }

  read(offset: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.sizeBytes - offset)));
    let filled = 0;
    try {
      while (filled < buffer.length) {
        const count = readSync(this.#fd, buffer, filled, buffer.length - filled, offset + filled);
        // It has become shorter meanwhile.
        if (count === 0) break;
        filled += count;
      }
    } catch (error) {
      throw new InventoryError('unreadable', `${textOfBytes(this.#path)} cannot be read`, { cause: error });
    }
    return buffer.subarray(0, filled);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

import { decodeAddress, decodePort } from './address.ts';
import type { ExecEvent, Executable, ExecutableLayer, StdioSocket } from './kernel-event.ts';
import {
  ExecFlag,
  type ExecRecord,
  execRecordBytes,
  type StdioSocket as RawSocket,
  readExecRecord,
} from './layout.generated.ts';
import { decodeCString, decodeStringList, decodeText } from './text.ts';

const overlayfsMagic = 0x794c7630n;
const tmpfsMagic = 0x01021994n;
const setuidBit = 0o4000;
const setgidBit = 0o2000;

interface ExecStrings {
  path: string[];
  filename: string;
  argv: string[];
  cwd: string[];
}

/** `size` is the record's own size, already checked against the space there is. */
export function decodeExec(view: DataView, at: number, size: number): ExecEvent {
  const record = readExecRecord(view, at);
  const strings = readStrings(view, at, size, record);
  const { header } = record;
  return {
    kind: 'exec',
    ktimeNs: header.ktimeNs,
    cgroupId: header.cgroupId,
    pid: header.pid,
    tid: header.tid,
    startKtimeNs: header.startKtimeNs,
    comm: decodeCString(header.comm),
    containerPid: record.containerPid,
    parentPid: record.parentPid,
    parentStartKtimeNs: record.parentStartKtimeNs,
    executable: executableOf(record, strings.path),
    filename: strings.filename,
    argv: strings.argv,
    argvTruncated: (record.flags & ExecFlag.EXEC_ARGV_TRUNCATED) !== 0,
    cwd: joinPath(strings.cwd, (record.flags & ExecFlag.EXEC_CWD_TRUNCATED) !== 0),
    hasTty: (record.flags & ExecFlag.EXEC_HAS_TTY) !== 0,
    stdioSockets: record.stdio.flatMap((socket, fd) => stdioSocket(socket, fd as 0 | 1 | 2)),
    credentials: record.credentials,
    capabilities: record.capabilities,
    namespaces: { mount: record.mountNs, pid: record.pidNs, network: record.networkNs, user: record.userNs },
    secureExec: (record.flags & ExecFlag.EXEC_SECURE) !== 0,
    fromOutside: (record.flags & ExecFlag.EXEC_FROM_OUTSIDE) !== 0,
  };
}

/** @throws {RangeError} when the parts do not add up to the record's size. */
function readStrings(view: DataView, at: number, size: number, record: ExecRecord): ExecStrings {
  const { pathSize, filenameSize, argvSize, cwdSize } = record;
  if (execRecordBytes + pathSize + filenameSize + argvSize + cwdSize !== size)
    throw new RangeError(`strings of ${pathSize}+${filenameSize}+${argvSize}+${cwdSize} bytes in a record of ${size}`);
  let offset = view.byteOffset + at + execRecordBytes;
  const take = (length: number): Uint8Array => {
    const bytes = new Uint8Array(view.buffer, offset, length);
    offset += length;
    return bytes;
  };
  return {
    path: decodeStringList(take(pathSize)),
    filename: decodeCString(take(filenameSize)),
    argv: decodeArgv(take(argvSize)),
    cwd: decodeStringList(take(cwdSize)),
  };
}

/** An empty argument counts, so a list is split at its NULs; text behind the last NUL is an argument that was cut. */
function decodeArgv(bytes: Uint8Array): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, start)) {
    parts.push(decodeText(bytes.subarray(start, end)));
    start = end + 1;
  }
  if (start < bytes.length) parts.push(decodeText(bytes.subarray(start)));
  return parts;
}

/** Components arrive leaf first. A path that was cut has lost its front, which an ellipsis says. */
function joinPath(components: string[], truncated: boolean): string {
  return `${truncated ? '…' : ''}/${components.toReversed().join('/')}`;
}

function executableOf(record: ExecRecord, components: string[]): Executable {
  const truncated = (record.flags & ExecFlag.EXEC_PATH_TRUNCATED) !== 0;
  const disconnected = (record.flags & ExecFlag.EXEC_DISCONNECTED) !== 0;
  const layer = layerOf(record, components, disconnected);
  return {
    path: layer === 'memfd' ? (components[0] ?? 'memfd:') : joinPath(components, truncated),
    pathTruncated: truncated,
    layer,
    unlinked: record.linkCount === 0,
    device: record.device,
    inode: record.inode,
    setuid: (record.mode & setuidBit) !== 0,
    setgid: (record.mode & setgidBit) !== 0,
  };
}

function layerOf(record: ExecRecord, components: string[], disconnected: boolean): ExecutableLayer {
  const isTmpfs = record.filesystemMagic === tmpfsMagic;
  if (disconnected && isTmpfs && components[0]?.startsWith('memfd:') === true) return 'memfd';
  if (isTmpfs) return 'tmpfs';
  const onRootMount = (record.flags & ExecFlag.EXEC_ROOT_MOUNT) !== 0;
  if (record.filesystemMagic === overlayfsMagic) {
    if ((record.flags & ExecFlag.EXEC_OVERLAY_UPPER) !== 0) return 'writable';
    return onRootMount ? 'image' : 'mount';
  }
  return onRootMount ? 'unknown' : 'mount';
}

function stdioSocket(socket: RawSocket, fd: 0 | 1 | 2): StdioSocket[] {
  if (socket.isSocket === 0) return [];
  const address = decodeAddress(socket.family, socket.peerAddress);
  const peerPort = decodePort(socket.peerPort);
  if (address === undefined)
    return [{ fd, family: socket.family === 1 ? 'unix' : 'other', peerAddress: '', peerPort: 0 }];
  // An unconnected socket has no peer: its address reads as all zeros.
  return [{ fd, family: address.family, peerAddress: peerPort === 0 ? '' : address.text, peerPort }];
}

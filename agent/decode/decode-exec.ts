import { decodeAddress, decodePort } from './address.ts';
import { decodeExecutable, joinPath } from './decode-executable.ts';
import type { ExecEvent, Namespaces, Privileges, StdioSocket } from './kernel-event.ts';
import {
  ExecFlag,
  execRecordBytes,
  namespaceIdsBytes,
  execRecordOffsets as offsets,
  privilegesBytes,
  type StdioSocket as RawSocket,
  readNamespaceIds,
  readPrivileges,
  readStdioSocket,
  stdioSocketBytes,
  stdioSocketOffsets,
} from './layout.generated.ts';
import { RegionMemo } from './region-memo.ts';
import { decodeTask } from './task.ts';
import { decodeCString, decodeStringList, decodeText } from './text.ts';

const ttyBytes = 16;
const stdioDescriptors = 3;
const noLoginUid = 0xffff_ffff;
const familyUnix = 1;

const privilegeSets = new RegionMemo<Privileges>(1024, readPrivileges);
const namespaceSets = new RegionMemo<Namespaces>(1024, readNamespaceIds);
const texts = new RegionMemo(4096, (view, at, length) => decodeCString(bytesOf(view, at, length)));
const terminals = new RegionMemo(64, (view, at, length) => terminalName(decodeCString(bytesOf(view, at, length))));
const argumentLists = new RegionMemo<readonly string[]>(2048, (view, at, length) =>
  decodeArgv(bytesOf(view, at, length)),
);
const paths = new RegionMemo(2048, (view, at, length) => joinPath(decodeStringList(bytesOf(view, at, length)), false));

function bytesOf(view: DataView, at: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, length);
}

/**
 * `size` is the record's own size, already checked against the space there is.
 * @throws {RangeError} when the parts do not add up to it.
 */
export function decodeExec(view: DataView, at: number, size: number): ExecEvent {
  const flags = view.getUint32(at + offsets.flags, true);
  const strings = stringsAt(view, at, size);
  const { credentials, capabilities } = privilegeSets.get(view, at + offsets.privileges, privilegesBytes);
  const loginUid = view.getUint32(at + offsets.loginUid, true);
  const { ktimeNs, cgroupId, pid, tid, startKtimeNs, comm } = decodeTask(view, at);
  return {
    kind: 'exec',
    ktimeNs,
    cgroupId,
    pid,
    tid,
    startKtimeNs,
    comm,
    execId: view.getBigUint64(at + offsets.execId, true),
    containerPid: view.getUint32(at + offsets.containerPid, true),
    parentPid: view.getUint32(at + offsets.parentPid, true),
    parentStartKtimeNs: view.getBigUint64(at + offsets.parentStartKtimeNs, true),
    executable: decodeExecutable(view, at + offsets.file, strings.path, strings.filename - strings.path),
    filename: texts.get(view, strings.filename, strings.interpreter - strings.filename),
    interpreter: texts.get(view, strings.interpreter, strings.argv - strings.interpreter),
    argv: argumentLists.get(view, strings.argv, strings.cwd - strings.argv),
    argvTruncated: (flags & ExecFlag.EXEC_ARGV_TRUNCATED) !== 0,
    cwd: decodeCwd(view, strings.cwd, strings.stdio - strings.cwd, flags),
    hasTty: (flags & ExecFlag.EXEC_HAS_TTY) !== 0,
    tty: terminals.get(view, at + offsets.tty, ttyBytes),
    sessionId: view.getUint32(at + offsets.sessionId, true),
    loginUid: loginUid === noLoginUid ? undefined : loginUid,
    formerTid: view.getUint32(at + offsets.formerTid, true),
    stdioSockets: decodeStdio(view, at + offsets.stdio, strings.stdio),
    credentials,
    capabilities,
    before: privilegesBefore(view, at, flags),
    namespaces: namespaceSets.get(view, at + offsets.namespaces, namespaceIdsBytes),
    userLevel: view.getUint32(at + offsets.userLevel, true),
    secureExec: (flags & ExecFlag.EXEC_SECURE) !== 0,
    fromOutside: (flags & ExecFlag.EXEC_FROM_OUTSIDE) !== 0,
  };
}

interface StringOffsets {
  path: number;
  filename: number;
  interpreter: number;
  argv: number;
  cwd: number;
  stdio: number;
}

/** Where the strings behind the record begin, in their order; what remains belongs to the names of sockets. */
function stringsAt(view: DataView, at: number, size: number): StringOffsets {
  const path = at + execRecordBytes;
  const filename = path + view.getUint32(at + offsets.pathSize, true);
  const interpreter = filename + view.getUint32(at + offsets.filenameSize, true);
  const argv = interpreter + view.getUint32(at + offsets.interpreterSize, true);
  const cwd = argv + view.getUint32(at + offsets.argvSize, true);
  const stdio = cwd + view.getUint32(at + offsets.cwdSize, true);
  let end = stdio;
  for (let fd = 0; fd < stdioDescriptors; fd++) {
    const socketAt = at + offsets.stdio + fd * stdioSocketBytes;
    if (isSocket(view, socketAt)) end += view.getUint32(socketAt + stdioSocketOffsets.peerNameSize, true);
  }
  if (end !== at + size) throw new RangeError(`strings end at ${end - at} in a record of ${size} bytes`);
  return { path, filename, interpreter, argv, cwd, stdio };
}

/** Where nothing changed, the record says only that. */
function privilegesBefore(view: DataView, at: number, flags: number): Privileges | undefined {
  if ((flags & ExecFlag.EXEC_BEFORE_KNOWN) === 0) return undefined;
  const isChanged = (flags & ExecFlag.EXEC_PRIVILEGES_CHANGED) !== 0;
  return privilegeSets.get(view, at + (isChanged ? offsets.privilegesBefore : offsets.privileges), privilegesBytes);
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

function decodeCwd(view: DataView, at: number, length: number, flags: number): string {
  if ((flags & ExecFlag.EXEC_CWD_TRUNCATED) === 0) return paths.get(view, at, length);
  return joinPath(decodeStringList(bytesOf(view, at, length)), true);
}

/** The kernel's "pts0" is /dev/pts/0. */
function terminalName(name: string): string {
  return name.replace(/^pts(\d+)$/, 'pts/$1');
}

function isSocket(view: DataView, socketAt: number): boolean {
  return view.getUint32(socketAt + stdioSocketOffsets.isSocket, true) !== 0;
}

const noSockets: StdioSocket[] = [];

function decodeStdio(view: DataView, at: number, namesAt: number): StdioSocket[] {
  let sockets = noSockets;
  let nameAt = namesAt;
  for (let fd = 0; fd < stdioDescriptors; fd++) {
    const socketAt = at + fd * stdioSocketBytes;
    if (!isSocket(view, socketAt)) continue;
    const raw = readStdioSocket(view, socketAt);
    const name = decodeCString(bytesOf(view, nameAt, raw.peerNameSize));
    nameAt += raw.peerNameSize;
    if (sockets === noSockets) sockets = [];
    sockets.push(stdioSocket(raw, fd as 0 | 1 | 2, name));
  }
  return sockets;
}

function stdioSocket(raw: RawSocket, fd: 0 | 1 | 2, name: string): StdioSocket {
  const { peerPid } = raw;
  const address = decodeAddress(raw.family, raw.peerAddress);
  const peerPort = decodePort(raw.peerPort);
  if (address === undefined) {
    const family = raw.family === familyUnix ? 'unix' : 'other';
    return { fd, family, peerAddress: name, peerPort: 0, peerPid };
  }
  // An unconnected socket has no peer: its address reads as all zeros.
  return { fd, family: address.family, peerAddress: peerPort === 0 ? '' : address.text, peerPort, peerPid };
}

import { closeSync, openSync, readFileSync, readlinkSync, readSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CapabilitySets, Credentials, Executable, StdioSocket } from '../decode/kernel-event.ts';
import { procTickNs } from './task-table.ts';

/** What /proc tells of one process. Fields that could not be read are empty. */
export interface ProcProcess {
  pid: number;
  parentPid: number;
  /** pid in the innermost pid namespace. */
  containerPid: number;
  /** Rounded down to a tick of 10 ms. */
  startKtimeNs: bigint;
  comm: string;
  hasTty: boolean;
  tty: string;
  sessionId: number;
  loginUid: number | undefined;
  executable: Executable;
  argv: string[];
  argvTruncated: boolean;
  cwd: string;
  credentials: Credentials;
  capabilities: CapabilitySets;
  stdioSockets: StdioSocket[];
}

export interface ProcStat {
  comm: string;
  state: string;
  parentPid: number;
  sessionId: number;
  hasTty: boolean;
  /** "pts/0"; empty when there is none, or its driver has no number of its own. */
  tty: string;
  startKtimeNs: bigint;
}

const maxArgvBytes = 3072;
const maxCgroupDepth = 16;
const maxPidsPerContainer = 32_768;

/** Parses /proc/<pid>/stat; the command may hold spaces and parentheses. Undefined if it is not of that form. */
export function parseProcStat(text: string): ProcStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(' ');
  const [state, parentPid, session, tty, ticks] = [fields[0], fields[1], fields[3], fields[4], fields[19]];
  if (state === undefined || parentPid === undefined || ticks === undefined || !/^\d+$/.test(ticks)) return undefined;
  return {
    comm: text.slice(open + 1, close),
    state,
    parentPid: Number(parentPid),
    sessionId: Number(session),
    hasTty: tty !== '0',
    tty: terminalName(Number(tty)),
    startKtimeNs: BigInt(ticks) * procTickNs,
  };
}

/** Majors 136 to 143 are pseudo-terminals (Documentation/admin-guide/devices.txt). */
function terminalName(device: number): string {
  const major = (device >>> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  return major >= 136 && major <= 143 ? `pts/${(major - 136) * 256 + minor}` : '';
}

export interface ProcStatus {
  containerPid: number;
  credentials: Credentials;
  capabilities: CapabilitySets;
}

/** Parses the identity lines of /proc/<pid>/status. Undefined if one of them is missing. */
export function parseProcStatus(text: string): ProcStatus | undefined {
  const lines = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) lines.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const [uid, euid, suid] = numbers(lines.get('Uid'));
  const [gid, egid, sgid] = numbers(lines.get('Gid'));
  if (uid === undefined || euid === undefined || suid === undefined) return undefined;
  if (gid === undefined || egid === undefined || sgid === undefined) return undefined;
  const set = (name: string): bigint => {
    const value = lines.get(name);
    return value !== undefined && /^[0-9a-f]{1,16}$/.test(value) ? BigInt(`0x${value}`) : 0n;
  };
  return {
    containerPid: numbers(lines.get('NSpid')).at(-1) ?? 0,
    credentials: { uid, gid, euid, egid, suid, sgid },
    capabilities: {
      effective: set('CapEff'),
      permitted: set('CapPrm'),
      inheritable: set('CapInh'),
      bounding: set('CapBnd'),
      ambient: set('CapAmb'),
    },
  };
}

function numbers(text: string | undefined): number[] {
  return text === undefined || text === '' ? [] : text.split(/\s+/).map(Number);
}

/** Start of a process, rounded down to a tick; undefined when it is gone. */
export function readStartKtimeNs(procRoot: string, pid: number): bigint | undefined {
  return orElse(
    undefined,
    () => parseProcStat(readFileSync(join(procRoot, String(pid), 'stat'), 'utf8'))?.startKtimeNs,
  );
}

/** CLOCK_BOOTTIME as /proc/uptime tells it, rounded down to 10 ms; 0 if it cannot be read. */
export function readUptimeNs(procRoot: string): bigint {
  const seconds = /^(\d+)\.(\d\d) /.exec(orElse('', () => readFileSync(join(procRoot, 'uptime'), 'utf8')));
  return seconds === null ? 0n : BigInt(`${seconds[1]}${seconds[2]}`) * procTickNs;
}

/** One process from /proc; undefined when it is gone, a zombie or not readable. Blocks for some tens of microseconds. */
export function readProcess(procRoot: string, pid: number): ProcProcess | undefined {
  const directory = join(procRoot, String(pid));
  try {
    const stat = parseProcStat(readFileSync(join(directory, 'stat'), 'utf8'));
    const status = parseProcStatus(readFileSync(join(directory, 'status'), 'utf8'));
    if (stat === undefined || status === undefined || stat.state === 'Z' || stat.state === 'X') return undefined;
    return {
      pid,
      parentPid: stat.parentPid,
      startKtimeNs: stat.startKtimeNs,
      comm: stat.comm,
      hasTty: stat.hasTty,
      tty: stat.tty,
      sessionId: stat.sessionId,
      loginUid: readLoginUid(join(directory, 'loginuid')),
      ...status,
      ...readArgv(join(directory, 'cmdline')),
      executable: readExecutable(join(directory, 'exe')),
      cwd: orElse('', () => readlinkSync(join(directory, 'cwd'))),
      stdioSockets: readStdioSockets(join(directory, 'fd')),
    };
  } catch {
    return undefined;
  }
}

function readArgv(path: string): { argv: string[]; argvTruncated: boolean } {
  const buffer = Buffer.alloc(maxArgvBytes + 1);
  const file = openSync(path, 'r');
  try {
    const length = readSync(file, buffer, 0, buffer.length, 0);
    const argvTruncated = length > maxArgvBytes;
    const text = buffer.toString('utf8', 0, Math.min(length, maxArgvBytes));
    if (text === '') return { argv: [], argvTruncated };
    return { argv: text.replace(/\0$/, '').split('\0'), argvTruncated };
  } finally {
    closeSync(file);
  }
}

const noLoginUid = 0xffff_ffff;

function readLoginUid(path: string): number | undefined {
  const text = orElse('', () => readFileSync(path, 'utf8'));
  return /^\d+$/.test(text) && Number(text) !== noLoginUid ? Number(text) : undefined;
}

const deletedSuffix = ' (deleted)';

function readExecutable(link: string): Executable {
  const target = orElse('', () => readlinkSync(link));
  const unlinked = target.endsWith(deletedSuffix);
  const stat = orElse(undefined, () => statSync(link, { bigint: true }));
  const mode = Number(stat?.mode ?? 0n);
  return {
    path: unlinked ? target.slice(0, -deletedSuffix.length) : target,
    pathTruncated: false,
    layer: target.startsWith('/memfd:') ? 'memfd' : 'unknown',
    unlinked,
    device: stat === undefined ? 0 : kernelDevice(stat.dev),
    inode: stat?.ino ?? 0n,
    setuid: (mode & 0o4000) !== 0,
    setgid: (mode & 0o2000) !== 0,
    mtimeNs: stat?.mtimeNs ?? 0n,
    ctimeNs: stat?.ctimeNs ?? 0n,
  };
}

/** stat(2) packs device numbers as glibc does; the kernel's own dev_t is major << 20 | minor. */
function kernelDevice(dev: bigint): number {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return Number(((major << 20n) | minor) & 0xffffffffn);
}

function readStdioSockets(directory: string): StdioSocket[] {
  const sockets: StdioSocket[] = [];
  for (const fd of [0, 1, 2] as const) {
    const target = orElse('', () => readlinkSync(join(directory, String(fd))));
    if (target.startsWith('socket:')) sockets.push({ fd, family: 'other', peerAddress: '', peerPort: 0, peerPid: 0 });
  }
  return sockets;
}

function orElse<T>(fallback: T, read: () => T): T {
  try {
    return read();
  } catch {
    return fallback;
  }
}

/** pids of all processes in a cgroup v2 directory and below it; empty when it is gone. Bounded in depth and number. */
export async function readCgroupPids(directory: string, depth = 0): Promise<number[]> {
  const pids: number[] = [];
  try {
    const text = await readFile(join(directory, 'cgroup.procs'), 'utf8');
    for (const line of text.split('\n')) if (line !== '' && line !== '0') pids.push(Number(line));
    if (depth === maxCgroupDepth) return pids;
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      if (pids.length >= maxPidsPerContainer) break;
      if (entry.isDirectory()) pids.push(...(await readCgroupPids(join(directory, entry.name), depth + 1)));
    }
  } catch {
    // Gone in the meantime, or a threaded cgroup, whose processes its domain lists.
  }
  return pids.slice(0, maxPidsPerContainer);
}

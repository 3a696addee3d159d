import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

/** A TCP socket that listens, as /proc/net/tcp and tcp6 tell it. */
export interface ListenLine {
  /** 4 or 16 bytes, network order. */
  address: Uint8Array;
  port: number;
  inode: string;
}

export interface ProcListener extends ListenLine {
  /** nsfs inode of the network namespace. */
  networkNs: number;
  pid: number;
}

const stateListen = '0A';
/** Beyond, sockets that listened before the agent are not looked for. */
const maxDescriptors = 65_536;

/** Reads the lines of sockets that listen; others, and what is no such line, are passed over. */
export function parseListenLines(text: string): ListenLine[] {
  const lines: ListenLine[] = [];
  for (const line of text.split('\n').slice(1)) {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    const match = /^((?:[0-9A-F]{8}){1,4}):([0-9A-F]{4})$/.exec(local);
    if (state !== stateListen || match === null || inode === undefined || !/^[1-9]\d*$/.test(inode)) continue;
    lines.push({ address: addressBytes(match[1] ?? ''), port: Number.parseInt(match[2] ?? '', 16), inode });
  }
  return lines;
}

/** The kernel prints each four bytes of an address as a number of the machine's byte order. */
function addressBytes(hex: string): Uint8Array {
  const bytes = Buffer.alloc(hex.length / 2);
  for (let at = 0; at < bytes.length; at += 4)
    bytes.writeUInt32LE(Number.parseInt(hex.slice(at * 2, at * 2 + 8), 16), at);
  return bytes;
}

/**
 * The sockets that listen now and which of the processes has each open; the first one counts, where children share it.
 * What cannot be read, because a process has ended, is left out.
 */
export async function readListeners(procRoot: string, pids: readonly number[]): Promise<ProcListener[]> {
  const found: ProcListener[] = [];
  const open = new Map<number, Map<string, ListenLine>>();
  for (const pid of pids) {
    await setImmediate();
    const directory = join(procRoot, String(pid));
    try {
      const networkNs = Number(statSync(join(directory, 'ns/net'), { bigint: true }).ino);
      let lines = open.get(networkNs);
      if (lines === undefined) {
        lines = listenLines(directory);
        open.set(networkNs, lines);
      }
      for (const inode of lines.size === 0 ? [] : socketInodes(join(directory, 'fd'))) {
        const line = lines.get(inode);
        if (line === undefined) continue;
        found.push({ ...line, networkNs, pid });
        lines.delete(inode);
      }
    } catch {
      // It has ended, or must not be looked at.
    }
  }
  return found;
}

function listenLines(directory: string): Map<string, ListenLine> {
  const byInode = new Map<string, ListenLine>();
  for (const name of ['net/tcp', 'net/tcp6'])
    for (const line of parseListenLines(readFileSync(join(directory, name), 'utf8'))) byInode.set(line.inode, line);
  return byInode;
}

function socketInodes(directory: string): string[] {
  const inodes: string[] = [];
  for (const fd of readdirSync(directory).slice(0, maxDescriptors)) {
    const inode = /^socket:\[(\d+)\]$/.exec(linkTarget(join(directory, fd)))?.[1];
    if (inode !== undefined) inodes.push(inode);
  }
  return inodes;
}

/** Empty for a descriptor that has been closed. */
function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { sleep } from '../../common/backoff.ts';
import { CommandError } from '../command-error.ts';

const usualPort = 4222;
const readyWithinMs = 10_000;
const stopWithinMs = 5_000;

/** A nats-server with JetStream that this process started and will stop. */
export interface NatsChild {
  url: string;
  /** Resolves when it ended, also when nobody asked it to. */
  exited: Promise<{ expected: boolean; description: string }>;
  close(): Promise<void>;
}

/** Path of the nats-server binary; undefined when there is none. Debian puts it where only root's PATH looks. */
export function findNatsServer(path = process.env.PATH ?? ''): string | undefined {
  const folders = [...path.split(delimiter), '/usr/local/sbin', '/usr/sbin', '/usr/local/bin', '/usr/bin'];
  return folders.map((folder) => join(folder, 'nats-server')).find((file) => existsSync(file));
}

/**
 * Starts nats-server on loopback, on its usual port when that is free, with its stream store in `dataFolder`. It is in a
 * process group of its own, so that Ctrl-C reaches us only and it is stopped last; it is stopped by the kernel when we die.
 */
export async function startNatsChild(binary: string, dataFolder: string): Promise<NatsChild> {
  const port = (await isFree(usualPort)) ? usualPort : await freePort();
  mkdirSync(dataFolder, { recursive: true });
  const logFile = join(dataFolder, 'nats-server.log');
  const server = [binary, '-js', '-a', '127.0.0.1', '-p', String(port), '-sd', dataFolder, '-l', logFile];
  const [program = '', ...args] = existsSync('/usr/bin/setpriv') ? [...dyingWithUs, ...server] : server;
  const child = spawn(program, args, { detached: true, stdio: 'ignore' });
  let stopping = false;
  const exited = exitOf(child).then((description) => ({ expected: stopping, description }));
  const close = async (): Promise<void> => {
    stopping = true;
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
    await exited;
    clearTimeout(killer);
  };
  const outcome = await Promise.race([answers(port), exited.then(({ description }) => description)]);
  if (outcome === true) return { url: `nats://127.0.0.1:${port}`, exited, close };
  await close();
  throw new CommandError('failed', `nats-server did not start: ${outcome === false ? 'no answer' : outcome}`, {
    hint: `see ${logFile}; or name a running server with --nats-url`,
  });
}

const dyingWithUs = ['/usr/bin/setpriv', '--pdeathsig', 'TERM', '--'];

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `ended by ${signal}`));
  });
}

/** True once the server greets with its INFO line; false when it has not within the time. */
async function answers(port: number): Promise<boolean> {
  const deadlineMs = Date.now() + readyWithinMs;
  while (Date.now() < deadlineMs) {
    if (await greets(port)) return true;
    await sleep(50);
  }
  return false;
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const finish = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('data', (data) => finish(data.toString('latin1').startsWith('INFO ')));
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

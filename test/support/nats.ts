import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import { freePort } from './free-port.ts';

export interface TestNatsServer {
  url: string;
  /** Kills the server; its data stays. */
  stop(): Promise<void>;
  /** Starts it again with the same port and data. */
  start(): Promise<void>;
  restart(): Promise<void>;
  /** A client of its own, closed with the server. */
  client(): Promise<NatsConnection>;
  /** Stops the server and removes its data. */
  close(): Promise<void>;
}

export interface TestNatsOptions {
  /** Lines for the server's configuration file. */
  configuration?: string;
  /** False: without JetStream. */
  jetStream?: boolean;
}

/** A real nats-server on a free port of the loopback interface, with JetStream in a folder of its own. */
export async function startNatsServer(options: TestNatsOptions = {}): Promise<TestNatsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'tallyman-nats-'));
  const server = new NatsProcess(await freePort(), folder, options.jetStream ?? true);
  await writeFile(join(folder, 'nats.conf'), options.configuration ?? '');
  try {
    await server.start();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

class NatsProcess implements TestNatsServer {
  readonly url: string;
  readonly #port: number;
  readonly #folder: string;
  readonly #jetStream: boolean;
  readonly #clients: NatsConnection[] = [];
  #process: ChildProcess | undefined;
  #output = '';

  constructor(port: number, folder: string, jetStream: boolean) {
    this.#port = port;
    this.#folder = folder;
    this.#jetStream = jetStream;
    this.url = `nats://127.0.0.1:${port}`;
  }

  async start(): Promise<void> {
    const storage = this.#jetStream ? ['-js', '-sd', join(this.#folder, 'data')] : [];
    const configuration = join(this.#folder, 'nats.conf');
    const child = spawn(
      natsServerPath(),
      ['-a', '127.0.0.1', '-p', String(this.#port), '-c', configuration, ...storage],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#process = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-10_000);
    });
    await this.#ready(child);
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async client(): Promise<NatsConnection> {
    const connection = await connect({ servers: `127.0.0.1:${this.#port}`, maxReconnectAttempts: -1 });
    this.#clients.push(connection);
    return connection;
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close().catch(() => undefined)));
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #ready(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + 15_000;
    while (!(await answers(this.#port))) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`nats-server does not come up (exit code ${child.exitCode}):\n${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function natsServerPath(): string {
  const path = ['/usr/sbin/nats-server', '/usr/bin/nats-server', '/usr/local/bin/nats-server'].find(existsSync);
  if (path === undefined) throw new Error('nats-server is not installed: apt-get install nats-server');
  return path;
}

/** The server greets with INFO once it takes clients. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1');
    const finish = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', (data) => finish(data.toString('latin1').startsWith('INFO ')));
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
  });
}

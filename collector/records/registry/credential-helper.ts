import { spawn } from 'node:child_process';
import { z } from 'zod';
import { type Credentials, toBasic } from './credentials.ts';

/** What a helper answered; "none" is its word for not knowing the host. */
export type HelperAnswer = { credentials: Credentials } | 'none' | { problem: string };

const answerSchema = z.object({ Username: z.string(), Secret: z.string().min(1) });
const maxOutputBytes = 64 * 1024;
const helperName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const unknownHost = /credentials not found/i;

export interface HelperOptions {
  /** Everything the helper may take; 10 s. */
  timeoutMs?: number;
  environment?: NodeJS.ProcessEnv;
}

/**
 * Asks `docker-credential-<name> get` for a host (https://github.com/docker/docker-credential-helpers#development). The
 * program is found in PATH and started without a shell; what it takes and writes is bounded. Never rejects, and no part of
 * a secret gets into `problem`.
 */
export async function askHelper(name: string, serverUrl: string, options: HelperOptions = {}): Promise<HelperAnswer> {
  if (!helperName.test(name))
    return { problem: `${JSON.stringify(name.slice(0, 64))} is no name of a credential helper` };
  const program = `docker-credential-${name}`;
  const ran = await run(program, serverUrl, options.timeoutMs ?? 10_000, options.environment ?? process.env);
  if ('problem' in ran) return { problem: `${program} ${ran.problem}` };
  if (ran.code !== 0)
    return unknownHost.test(ran.stdout + ran.stderr)
      ? 'none'
      : { problem: `${program} ended with ${ran.code ?? 'a signal'}${ran.stderr === '' ? '' : `: ${ran.stderr}`}` };
  try {
    const { Username, Secret } = answerSchema.parse(JSON.parse(ran.stdout));
    return { credentials: toBasic(Username, Secret) };
  } catch {
    return { problem: `${program} answered with something else than a JSON document with Username and Secret` };
  }
}

type Ran = { code: number | null; stdout: string; stderr: string } | { problem: string };

function run(program: string, input: string, timeoutMs: number, env: NodeJS.ProcessEnv): Promise<Ran> {
  return new Promise((resolve) => {
    // A process group of its own: what the helper started ends with it.
    const child = spawn(program, ['get'], { stdio: 'pipe', env, detached: true });
    const stdout = new Head(maxOutputBytes);
    const stderr = new Head(512);
    const finish = (ran: Ran): void => {
      clearTimeout(timer);
      if ('problem' in ran) endGroup(child.pid);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      resolve(ran);
    };
    const timer = setTimeout(() => finish({ problem: `did not answer within ${timeoutMs} ms` }), timeoutMs);
    child.once('error', (error: NodeJS.ErrnoException) =>
      finish({ problem: error.code === 'ENOENT' ? 'is not in PATH' : `cannot be started: ${error.message}` }),
    );
    child.once('close', (code) => finish({ code, stdout: stdout.text, stderr: stderr.line }));
    child.stdout.on('data', (chunk: Buffer) => {
      if (!stdout.add(chunk)) finish({ problem: `answered with more than ${maxOutputBytes} bytes` });
    });
    child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${input}\n`);
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** The first bytes of a stream. */
class Head {
  readonly #max: number;
  readonly #chunks: Buffer[] = [];
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** False when there is more than is kept. */
  add(chunk: Buffer): boolean {
    const free = this.#max - this.#size;
    this.#chunks.push(chunk.subarray(0, Math.max(0, free)));
    this.#size += Math.min(chunk.length, Math.max(0, free));
    return chunk.length <= free;
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }

  get line(): string {
    return this.text.trim().split('\n', 1)[0] ?? '';
  }
}

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Check } from './check.ts';

export async function checkNatsServer(): Promise<Check> {
  const check = { name: 'nats-server', looked: 'nats-server on PATH' };
  try {
    const { stdout } = await promisify(execFile)('nats-server', ['--version'], { timeout: 3_000, env: withSbin() });
    return { ...check, state: 'good', found: stdout.trim() };
  } catch {
    return {
      ...check,
      state: 'weaker',
      found: 'not found',
      follows:
        '`tallyman up` cannot start a NATS server of its own: alerts are kept, and reach nobody until it has one',
      todo: 'install it (Debian: apt-get install nats-server), or name a running server with --nats-url',
    };
  }
}

/** Debian installs daemons where only root's PATH looks. */
export function withSbin(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` };
}

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const packages = [
  ...['nginx-light', 'redis-server', 'postgresql', 'nodejs', 'python3', 'cron', 'logrotate'],
  ...['build-essential', 'debhelper', 'fakeroot', 'wrk', 'curl', 'procps', 'sqlite3'],
].join(',');
const version = createHash('sha256').update(packages).digest('hex').slice(0, 12);

/**
 * Builds the image of the suite and answers its name. Docker keeps what it is built on, a Debian with the servers' packages,
 * for the next time.
 */
export async function buildBenignImage(): Promise<string> {
  const base = `tallyman-benign-base:${version}`;
  const isThere = await run('docker', ['image', 'inspect', base]).then(
    () => true,
    () => false,
  );
  if (!isThere) await run(join(root, 'scripts/base-image.sh'), [base, packages]);
  const name = `tallyman-benign:${process.pid}`;
  const options = ['--network', 'none', '--build-arg', `BASE_IMAGE=${base}`, '--tag', name];
  await run('docker', ['build', '--quiet', ...options, import.meta.dirname]);
  return name;
}

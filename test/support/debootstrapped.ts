import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const minutes = 60_000;

/** A minimal Debian 12 that debootstrap made, kept in .build between runs. Nobody changes it. */
export async function debootstrapped(): Promise<string> {
  const kept = join(process.cwd(), '.build', 'debian-root');
  if (existsSync(kept)) return kept;
  mkdirSync(dirname(kept), { recursive: true });
  const making = `${kept}.${process.pid}`;
  await run('debootstrap', ['--variant=minbase', 'bookworm', making], { timeout: 8 * minutes, maxBuffer: 1 << 26 });
  renameSync(making, kept);
  return kept;
}

/** A root that is an overlay of a directory and what is written above it, mounted by the kernel. */
export interface MountedOverlay {
  /** The mount. */
  root: string;
  /** The layers of it, the lowest first: what an inventory is given. */
  layers: string[];
  /** Runs a command in the root. */
  inside(command: string, ...args: string[]): Promise<string>;
  unmount(): Promise<void>;
}

export async function mountOverlay(lower: string): Promise<MountedOverlay> {
  const work = mkdtempSync(join(tmpdir(), 'tallyman-overlay-'));
  const [upper, scratch, root] = ['upper', 'work', 'root'].map((name) => join(work, name)) as [string, string, string];
  for (const directory of [upper, scratch, root]) mkdirSync(directory);
  await run('mount', [
    '-t',
    'overlay',
    'overlay',
    '-o',
    `lowerdir=${lower},upperdir=${upper},workdir=${scratch}`,
    root,
  ]);
  return {
    root,
    layers: [lower, upper],
    inside: async (command, ...args) => {
      const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };
      return (await run('chroot', [root, command, ...args], { env, maxBuffer: 1 << 26 })).stdout;
    },
    unmount: async () => {
      await run('umount', [root]);
      rmSync(work, { recursive: true, force: true });
    },
  };
}

// stage-image.ts FOLDER: puts the Node binary that runs this, and the packages needed at run time, where the Dockerfiles copy
// them from. Nothing is fetched: the packages are those of node_modules, less what only development needs.
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional(), link: z.boolean().optional() })),
});

/** Folders of the packages that package-lock.json wants at run time, "node_modules/pino". */
function runtimePackages(lockFile: string): string[] {
  const { packages } = lockSchema.parse(JSON.parse(readFileSync(lockFile, 'utf8')));
  return Object.entries(packages)
    .filter(([path, entry]) => path.startsWith('node_modules/') && entry.dev !== true && entry.link !== true)
    .map(([path]) => path);
}

function stage(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  copyFileSync(process.execPath, join(folder, 'node'));
  for (const path of runtimePackages('package-lock.json')) {
    // Packages for other platforms are in the lock file and not on the disk.
    if (!existsSync(path)) continue;
    const nested = join(path, 'node_modules');
    cpSync(path, join(folder, path), { recursive: true, filter: (source) => source !== nested });
  }
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: stage-image.ts FOLDER');
  process.exitCode = 2;
} else stage(folder);

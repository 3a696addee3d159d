import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { sharedLibraries } from '../../cli/demo/root-filesystem.ts';

const run = promisify(execFile);

/**
 * Imports an image with nothing but the shared libraries that the given programs load, taken from this machine: a base for
 * deploy/Dockerfile.* that needs no network.
 */
export async function importBaseImage(reference: string, programs: readonly string[]): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'tallyman-base-'));
  try {
    for (const folder of ['etc', 'proc', 'sys', 'tmp', 'dev']) mkdirSync(join(root, folder));
    for (const library of new Set(programs.flatMap((program) => [program, ...sharedLibraries(program)]))) {
      if (!library.includes('.so')) continue;
      mkdirSync(join(root, dirname(library)), { recursive: true });
      cpSync(realpathSync(library), join(root, library));
    }
    const archive = `${root}.tar`;
    await run('tar', ['-C', root, '-cf', archive, '.']);
    await run('docker', ['import', archive, reference]).finally(() => rmSync(archive));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { buildProgram, type TestProgram } from './docker.ts';

const run = promisify(execFile);

export interface BusyboxImage {
  reference: string;
  /** Names in /bin that lead to busybox. */
  applets: readonly string[];
  /** Programs of test/support/programs, put into /bin. */
  programs: readonly TestProgram[];
  folders: readonly string[];
  /** Path without the first slash → text; what begins with "#!" may be executed. */
  files: Readonly<Record<string, string>>;
}

/** Imports an image of one layer: a static busybox and what is asked for. The caller removes it. */
export async function buildBusyboxImage(image: BusyboxImage): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'tallyman-busybox-'));
  try {
    for (const folder of ['bin', ...image.folders]) mkdirSync(join(root, folder), { recursive: true });
    for (const [path, text] of Object.entries(image.files)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), text);
      if (text.startsWith('#!')) chmodSync(join(root, path), 0o755);
    }
    copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
    for (const program of image.programs) copyFileSync(await buildProgram(program), join(root, 'bin', program));
    for (const applet of image.applets) symlinkSync('busybox', join(root, 'bin', applet));
    const archive = `${root}.tar`;
    await run('tar', ['-C', root, '-cf', archive, '.']);
    const name = ['--change', 'ENV PATH=/bin', archive, image.reference];
    await run('docker', ['import', ...name]).finally(() => rmSync(archive));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

export async function removeImage(reference: string): Promise<void> {
  await run('docker', ['rmi', '-f', reference]);
}

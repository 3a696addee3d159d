import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import { expect, it } from 'vitest';
import { repositoryFolder } from '../paths.ts';
import { packRootFilesystem, sharedLibraries } from './root-filesystem.ts';
import { demoScript, demoSteps } from './steps.ts';

async function unpack(program: string): Promise<Map<string, { mode: number; bytes: Buffer }>> {
  const files = new Map<string, { mode: number; bytes: Buffer }>();
  const tar = extract();
  packRootFilesystem(program, 'echo hello\n').pipe(tar);
  for await (const entry of tar)
    files.set(entry.header.name, { mode: entry.header.mode ?? 0, bytes: await buffer(entry) });
  return files;
}

it('packs a root file system that can run on its own: program, libraries, script', async () => {
  const program = process.execPath;
  const files = await unpack(program);
  expect(files.get('srv/app.sh')).toMatchObject({ mode: 0o755, bytes: Buffer.from('echo hello\n') });
  expect(files.get('bin/busybox')?.bytes.subarray(1, 4).toString()).toBe('ELF');
  const libraries = sharedLibraries(program);
  expect(libraries.length).toBeGreaterThan(2);
  for (const library of libraries) expect(files.get(library.slice(1))?.bytes.length).toBeGreaterThan(0);
});

it('needs no libraries for what is not a dynamic program', () => {
  expect(sharedLibraries('/etc/hostname')).toEqual([]);
  expect(sharedLibraries('/no/such/file')).toEqual([]);
});

it('announces each step, and shows nothing else of it', () => {
  const script = demoScript();
  for (const { marker, shell } of demoSteps) expect(script).toContain(`echo ${marker}\n{ ${shell}; } >/dev/null 2>&1`);
});

it('promises only rules that exist', () => {
  const shipped = readdirSync(join(repositoryFolder, 'agent/rules')).map((name) => name.replace(/\.yaml$/, ''));
  for (const rule of demoSteps.flatMap((step) => step.rule.split(', and '))) expect(shipped).toContain(rule);
});

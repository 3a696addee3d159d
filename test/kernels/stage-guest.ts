import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

/**
 * stage-guest.ts DIRECTORY PROGRAMS: lays out the guest's file system in DIRECTORY: busybox, Node and its libraries, libbpf,
 * the BPF object, and exactly those files of the repository that the smoke test imports.
 */

const repo = join(import.meta.dirname, '..', '..');
const entryPoint = join(repo, 'test/kernels/smoke.ts');
const applets =
  'cat chmod chown cp grep id insmod ip ls mkdir mknod mount poweroff rm sh sleep stty su sync true umount unshare';

/** Every file reachable through relative imports, and the packages they name. */
function importsOf(path: string, files = new Set<string>(), packages = new Set<string>()): [Set<string>, Set<string>] {
  if (files.has(path)) return [files, packages];
  files.add(path);
  for (const [, from] of readFileSync(path, 'utf8').matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)) {
    if (from === undefined || from.startsWith('node:')) continue;
    if (from.startsWith('.')) importsOf(join(dirname(path), from), files, packages);
    else packages.add(packageName(from));
  }
  return [files, packages];
}

function packageName(from: string): string {
  return from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Directories of a package and all it depends on; optional packages for other platforms are not installed. */
function packageDirectories(name: string, from: string, found = new Set<string>()): Set<string> {
  const directory = createRequire(from)
    .resolve.paths(name)
    ?.map((path) => join(path, name))
    .find((path) => existsSync(join(path, 'package.json')));
  if (directory === undefined || found.has(directory)) return found;
  found.add(directory);
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }))
    packageDirectories(dependency, join(directory, 'package.json'), found);
  return found;
}

/** The shared libraries a program or library needs, with those they need. */
function sharedLibraries(path: string): string[] {
  const output = execFileSync('ldd', [path], { encoding: 'utf8' });
  return [...output.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? '');
}

function findLibrary(name: string): string {
  const output = execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' });
  const line = output.split('\n').find((text) => text.trim().startsWith(`${name} `) && text.includes('x86-64'));
  const path = line?.split('=> ')[1];
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}

async function stageRepository(into: string): Promise<void> {
  const [files, packages] = importsOf(entryPoint);
  for (const file of files) copy(file, join(into, relative(repo, file)));
  for (const file of ['package.json', 'agent/files/watched.yaml']) copy(join(repo, file), join(into, file));
  const directories = [...packages].flatMap((name) => [...packageDirectories(name, entryPoint)]);
  for (const directory of new Set(directories))
    await cp(directory, join(into, relative(repo, directory)), { recursive: true, dereference: true });
}

function copy(from: string, to: string, mode?: number): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  if (mode !== undefined) chmodSync(to, mode);
}

function stageBusybox(bin: string): void {
  copy('/bin/busybox', join(bin, 'busybox'), 0o755);
  for (const applet of applets.split(' ')) symlinkSync('busybox', join(bin, applet));
}

/** What the containers in the guest run in. */
function stageImage(image: string, programs: string): void {
  stageBusybox(join(image, 'bin'));
  for (const program of ['actor', 'breeder', 'executor', 'network', 'pack', 'personality', 'privilege'])
    copy(join(programs, program), join(image, 'bin', program), 0o755);
  for (const directory of ['dev', 'etc', 'etc/cron.d', 'opt', 'proc', 'scratch', 'tmp'])
    mkdirSync(join(image, directory), { recursive: true });
  chmodSync(join(image, 'tmp'), 0o1777);
  writeFileSync(join(image, 'tmp/file'), '');
  writeFileSync(join(image, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n');
  writeFileSync(join(image, 'etc/shadow'), 'root:*:19000:0:99999:7:::\n');
  writeFileSync(join(image, 'etc/group'), 'root:x:0:\nnobody:x:65534:\n');
}

const [directory, programs] = process.argv.slice(2);
if (directory === undefined || programs === undefined) throw new Error('usage: stage-guest.ts DIRECTORY PROGRAMS');
for (const name of ['containers', 'dev', 'proc', 'sys', 'lib', 'lib64', 'tmp'])
  mkdirSync(join(directory, name), { recursive: true });
stageBusybox(join(directory, 'bin'));
stageImage(join(directory, 'image'), programs);
copy(process.execPath, join(directory, 'bin/node'), 0o755);
copy(join(programs, 'contain'), join(directory, 'bin/contain'), 0o755);
const libbpf = findLibrary('libbpf.so.1');
for (const library of new Set([libbpf, ...[process.execPath, libbpf].flatMap(sharedLibraries)]))
  copy(
    library,
    join(directory, library.includes('ld-linux') ? 'lib64' : 'lib', library.split('/').at(-1) ?? ''),
    0o755,
  );
copy(join(repo, '.build/tallyman.bpf.o'), join(directory, 'tallyman.bpf.o'));
copy(join(import.meta.dirname, 'init'), join(directory, 'init'), 0o755);
await stageRepository(join(directory, 'repo'));

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';

const busyboxPaths = ['/bin/busybox', '/usr/bin/busybox'];
const applets = ['sh', 'cat', 'cp', 'echo', 'id', 'ifconfig', 'nc', 'sleep', 'wget'];

/** The busybox of this machine; undefined when there is none. */
export function findBusybox(): string | undefined {
  return busyboxPaths.find((path) => existsSync(path));
}

/**
 * A root file system as a tar: busybox with its shared libraries (none when it is static), and the script as /srv/app.sh.
 * Made in memory; nothing is fetched.
 */
export function packRootFilesystem(busybox: string, script: string): Readable {
  const tar = pack();
  for (const folder of ['bin', 'etc', 'mnt', 'srv']) tar.entry({ name: folder, type: 'directory', mode: 0o755 });
  tar.entry({ name: 'tmp', type: 'directory', mode: 0o1777 });
  tar.entry({ name: 'bin/busybox', mode: 0o755 }, readFileSync(busybox));
  for (const applet of applets) tar.entry({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox' });
  for (const library of sharedLibraries(busybox))
    tar.entry({ name: library.slice(1), mode: 0o755 }, readFileSync(library));
  tar.entry({ name: 'etc/passwd' }, 'root:x:0:0:root:/:/bin/sh\n');
  tar.entry({ name: 'srv/app.sh', mode: 0o755 }, script);
  tar.finalize();
  return Readable.from(tar);
}

/** Absolute paths of what the dynamic loader would load; ldd fails on a static program, which needs nothing. */
export function sharedLibraries(program: string): string[] {
  try {
    const listing = execFileSync('ldd', [program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return listing.split('\n').flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? []);
  } catch {
    return [];
  }
}

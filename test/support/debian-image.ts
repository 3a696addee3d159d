import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { buildProgram } from './docker.ts';

const run = promisify(execFile);
/** Small, static or without programs, and without maintainer scripts that would touch the host. */
const packages = ['busybox-static', 'netbase', 'media-types'];
const applets = ['sh', 'cat', 'cp', 'ls', 'sleep', 'true', 'mkdir', 'nc', 'rm', 'chmod', 'ip', 'wget', 'id'];

export interface InstalledPackage {
  name: string;
  version: string;
  architecture: string;
  /** Regular files, absolute paths. */
  files: string[];
}

export interface DebianRoot {
  directory: string;
  packages: InstalledPackage[];
  remove(): void;
}

/**
 * A root file system in which dpkg itself has installed Debian packages, so that its database is a real one; with the
 * actor as a program that no package owns.
 */
export async function buildDebianRoot(): Promise<DebianRoot> {
  const work = mkdtempSync(join(tmpdir(), 'tallyman-debian-'));
  const directory = join(work, 'root');
  const debs = await downloadPackages();
  for (const path of ['var/lib/dpkg/info', 'var/lib/dpkg/updates', 'tmp', 'proc', 'sys', 'dev', 'etc', 'bin'])
    mkdirSync(join(directory, path), { recursive: true });
  writeFileSync(join(directory, 'var/lib/dpkg/status'), '');
  await run(
    'dpkg',
    [`--root=${directory}`, '--force-all', '--force-script-chrootless', '--log=/dev/null', '--install', ...debs],
    { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } },
  );
  copyFileSync(await buildProgram('actor'), join(directory, 'bin/actor'));
  for (const applet of applets) symlinkSync('busybox', join(directory, 'bin', applet));
  writeFileSync(join(directory, 'etc/os-release'), 'ID=debian\nVERSION_ID="12"\n');
  return { directory, packages: readPackages(directory), remove: () => rmSync(work, { recursive: true, force: true }) };
}

/** Kept between runs: packages of one version do not change. */
async function downloadPackages(): Promise<string[]> {
  const cache = join(process.cwd(), '.build', 'debs');
  mkdirSync(cache, { recursive: true });
  const find = (name: string): string | undefined =>
    readdirSync(cache).find((file) => file.startsWith(`${name}_`) && file.endsWith('.deb'));
  const missing = packages.filter((name) => find(name) === undefined);
  if (missing.length > 0)
    await run('apt-get', ['download', '-o', 'APT::Sandbox::User=root', ...missing], { cwd: cache });
  return packages.map((name) => join(cache, find(name) ?? ''));
}

function readPackages(root: string): InstalledPackage[] {
  const status = readFileSync(join(root, 'var/lib/dpkg/status'), 'utf8');
  return status
    .split('\n\n')
    .filter((stanza) => stanza.startsWith('Package:'))
    .map((stanza) => {
      const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1] ?? '';
      const name = field('Package');
      const list = readFileSync(join(root, `var/lib/dpkg/info/${name}.list`), 'utf8')
        .trim()
        .split('\n');
      const files = list.filter((path) => existsSync(join(root, path)) && statSync(join(root, path)).isFile());
      return { name, version: field('Version'), architecture: field('Architecture'), files };
    });
}

/** An SPDX 2.3 document of the root's packages and files, with ownership, as syft writes it. */
export function spdxOf(root: DebianRoot, imageName: string): object {
  const packageId = (name: string): string => `SPDXRef-Package-deb-${name}`;
  const fileId = (path: string): string => `SPDXRef-File-${createHash('sha1').update(path).digest('hex').slice(0, 16)}`;
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: imageName,
    documentNamespace: `https://tallyman.invalid/${basename(root.directory)}`,
    creationInfo: { created: new Date().toISOString().replace(/\.\d+Z$/, 'Z'), creators: ['Tool: tallyman-test-1'] },
    packages: root.packages.map((each) => ({
      SPDXID: packageId(each.name),
      name: each.name,
      versionInfo: each.version,
      downloadLocation: 'NOASSERTION',
      externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purlOf(each) }],
    })),
    files: root.packages.flatMap((each) =>
      each.files.map((path) => ({
        SPDXID: fileId(path),
        fileName: path.slice(1),
        checksums: [
          {
            algorithm: 'SHA1',
            checksumValue: createHash('sha1')
              .update(readFileSync(join(root.directory, path)))
              .digest('hex'),
          },
        ],
      })),
    ),
    relationships: root.packages.flatMap((each) =>
      each.files.map((path) => ({
        spdxElementId: packageId(each.name),
        relatedSpdxElement: fileId(path),
        relationshipType: 'CONTAINS',
      })),
    ),
  };
}

export function purlOf(each: InstalledPackage): string {
  return `pkg:deb/debian/${each.name}@${encodeURIComponent(each.version)}?arch=${each.architecture}&distro=debian-12`;
}

/** Imports the root as an image, pushes it, and answers the digest that the registry gave it. */
export async function pushImage(directory: string, reference: string): Promise<string> {
  const archive = `${directory}.tar`;
  await run('tar', ['-C', directory, '-cf', archive, '.']);
  await run('docker', ['import', '--change', 'ENV PATH=/bin', archive, reference]);
  rmSync(archive);
  await run('docker', ['push', reference]);
  const { stdout } = await run('docker', ['image', 'inspect', '--format', '{{json .RepoDigests}}', reference]);
  const repository = reference.slice(0, reference.lastIndexOf(':'));
  const digest = (JSON.parse(stdout) as string[]).find((each) => each.startsWith(`${repository}@`))?.split('@')[1];
  if (digest === undefined) throw new Error(`no repository digest of ${reference} in ${stdout}`);
  return digest;
}

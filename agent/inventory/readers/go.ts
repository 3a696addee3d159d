import { readElf } from '../elf.ts';
import type { ImageTree, InventorySink, PackageReader, TreeEntry } from '../image-tree.ts';
import { languagePackage, readEach, shortText } from '../language-package.ts';
import { isExecutable } from './executable.ts';
import { type GoBuildInfo, type GoModule, readGoBuildInfo } from './go-build-info.ts';

/** Modules that Go programs say they were linked of, and the standard library as "stdlib", which advisories name so. */
export const goReader: PackageReader = {
  name: 'go',
  wants: isExecutable,
  read: (tree, wanted, sink) => readEach('go', wanted, sink, (entry) => readOne(tree, entry, sink)),
};

function readOne(tree: ImageTree, entry: TreeEntry, sink: InventorySink): void {
  const read = (offset: number, length: number): Buffer => tree.readRange(entry.path, offset, length);
  const elf = readElf(read);
  const info = elf === undefined ? undefined : readGoBuildInfo(read, elf);
  if (info === undefined) return;
  const architecture = shortText(info.settings.get('GOARCH'), 32) ?? '';
  const add = (path: string, version: string, licenses: readonly string[] = []): void => {
    const slash = path.lastIndexOf('/');
    const owner = sink.addPackage(
      languagePackage({
        type: 'golang',
        namespace: slash < 0 ? '' : path.slice(0, slash),
        purlName: path.slice(slash + 1),
        name: path,
        version,
        layer: entry.layer,
        location: entry.path,
        architecture,
        licenses,
      }),
    );
    sink.addEvidence(owner, entry.path);
  };
  const main = mainModule(info);
  if (main !== undefined) add(...main);
  for (const dependency of info.dependencies) {
    const module = compiled(dependency);
    if (module !== undefined) add(...module);
  }
  const version = /^go(\d+\.\d+[\w.]*)/.exec(info.goVersion)?.[1];
  if (version !== undefined) add('stdlib', version, ['BSD-3-Clause']);
}

/** Path and version of what was compiled; undefined when the program says no usable one. */
function compiled(module: GoModule): [path: string, version: string] | undefined {
  const { replacement } = module;
  // Replaced by a folder: the path stays the one that is imported.
  const isFolder = replacement !== undefined && /^[./]/.test(replacement.path);
  const path = shortText(replacement === undefined || isFolder ? module.path : replacement.path, 1024);
  if (path === undefined) return undefined;
  const version = shortText((replacement ?? module).version, 256) ?? '';
  return [path, version === '(devel)' ? '' : version];
}

/** A main module built outside a tagged version gets the one that the linker was given, or that of its commit. */
function mainModule(info: GoBuildInfo): [path: string, version: string] | undefined {
  const main = info.main ?? { path: info.path, version: '', replacement: undefined };
  if (main.path === '' || main.path === 'command-line-arguments') return undefined;
  const module = compiled(main);
  if (module === undefined || module[1] !== '') return module;
  return [module[0], linkedVersion(info, module[0]) ?? commitVersion(info) ?? ''];
}

/** "-X main.version=1.2.3" in the flags of the linker. */
function linkedVersion({ settings }: GoBuildInfo, path: string): string | undefined {
  const flags = settings.get('-ldflags')?.slice(0, 64 * 1024) ?? '';
  for (const [, variable = '', version = ''] of flags.matchAll(
    /-X[ =]['"]?([^\s=]+)=['"]?(v?\d+\.\d+\.\d+[\w.+-]*)/g,
  )) {
    const isOwn = variable.startsWith('main.') || variable.startsWith(`${path}/`) || variable.startsWith(`${path}.`);
    if (isOwn && /\.\w*(?:[vV]er(?:sion)?|[tT]ag)$/.test(variable))
      return version.startsWith('v') ? version : `v${version}`;
  }
  return undefined;
}

/** https://go.dev/ref/mod#pseudo-versions */
function commitVersion({ settings }: GoBuildInfo): string | undefined {
  const commit = /^[0-9a-f]{12}/.exec(settings.get('vcs.revision') ?? '')?.[0];
  const time = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/.exec(settings.get('vcs.time') ?? '');
  return commit === undefined || time === null ? undefined : `v0.0.0-${time.slice(1).join('')}-${commit}`;
}

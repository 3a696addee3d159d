import { basename } from 'node:path/posix';
import { shortText } from '../../language-package.ts';

export interface JarArtifact {
  /** "" when nothing says it. */
  group: string;
  artifact: string;
  version: string;
  licenses: readonly string[];
}

/** What of an archive says what it is. */
export interface JarPapers {
  /** Name of the file, or of the entry in the archive around it. */
  fileName: string;
  manifest: ReadonlyMap<string, string> | undefined;
  /** Contents of every META-INF/maven/…/pom.properties; more than one when others were put into it (shaded). */
  poms: readonly ReadonlyMap<string, string>[];
}

/**
 * The artifact that the archive is, then those that were put into it. Maven's own record comes first; manifests name many
 * things, so that the name of the file is believed before them.
 */
export function identify({ fileName, manifest, poms }: JarPapers): JarArtifact[] {
  const named = nameAndVersion(fileName);
  const artifacts = poms.flatMap((pom) => pomArtifact(pom) ?? []);
  const own = ownPom(artifacts, named.name);
  const licenses = licensesOf(manifest);
  const others = artifacts.filter((each) => each !== own);
  if (own !== undefined)
    return [{ ...own, version: own.version || versionOf(manifest, named.version), licenses }, ...others];
  // Instrumentation that carries the name of what it instruments.
  if (manifest?.has('weave-classes')) return others;
  if (manifest === undefined && (named.version === '' || others.length > 0)) return others;
  const artifact = bundleName(manifest) ?? lastOfDotted(named.name) ?? titleOf(manifest);
  if (artifact === undefined) return others;
  return [
    { group: groupOf(manifest) ?? '', artifact, version: versionOf(manifest, named.version), licenses },
    ...others,
  ];
}

function pomArtifact(pom: ReadonlyMap<string, string>): JarArtifact | undefined {
  const group = identifier(pom.get('groupId'));
  const artifact = identifier(pom.get('artifactId'));
  if (artifact === undefined) return undefined;
  const version = shortText(pom.get('version'), 128) ?? '';
  return { group: group ?? '', artifact, version: version.includes('${') ? '' : version, licenses: [] };
}

function ownPom(artifacts: readonly JarArtifact[], name: string): JarArtifact | undefined {
  if (name === '') return artifacts.length === 1 ? artifacts[0] : undefined;
  return (
    artifacts.find(({ artifact }) => artifact === name) ??
    artifacts.find(({ artifact }) => artifact.startsWith(name) || name.endsWith(artifact))
  );
}

/** "commons-lang3-3.12.0.jar": the version starts with the first part that looks like one. */
export function nameAndVersion(fileName: string): { name: string; version: string } {
  const stem = basename(fileName).replace(/\.[A-Za-z]{2,4}$/, '');
  const parts = stem.split('-');
  const at = parts.findIndex((part, index) => index > 0 && /^(?:\d|build\d|rc?\d+$)/i.test(part));
  if (at > 0) return { name: parts.slice(0, at).join('-'), version: parts.slice(at).join('-') };
  const other = /^([A-Za-z].*?)[._](\d.*)$/.exec(stem);
  return other === null ? { name: stem, version: '' } : { name: other[1]!, version: other[2]! };
}

function versionOf(manifest: ReadonlyMap<string, string> | undefined, named: string): string {
  if (named !== '') return named;
  for (const key of ['implementation-version', 'specification-version', 'plugin-version', 'bundle-version']) {
    const version = shortText(manifest?.get(key), 128);
    if (version !== undefined) return version;
  }
  return '';
}

/** Maven's bundle plug-in writes "<group>.<artifact>". */
function bundleName(manifest: ReadonlyMap<string, string> | undefined): string | undefined {
  const name = withoutDirectives(manifest?.get('bundle-symbolicname'));
  if (!manifest?.get('created-by')?.includes('Apache Maven Bundle Plugin')) return undefined;
  return name === manifest.get('implementation-vendor-id') ? undefined : identifier(name?.split('.').at(-1));
}

/** A file named "group.artifact.jar". */
function lastOfDotted(name: string): string | undefined {
  if (name.startsWith('org.eclipse.') || !/^[\p{L}_$][^.]*(?:\.[\p{L}_$][^.]*)+$/u.test(name)) return identifier(name);
  return identifier(name.split('.').at(-1));
}

function titleOf(manifest: ReadonlyMap<string, string> | undefined): string | undefined {
  for (const key of ['name', 'bundle-name', 'short-name', 'extension-name', 'implementation-title']) {
    const title = identifier(manifest?.get(key));
    if (title !== undefined) return title;
  }
  return undefined;
}

function groupOf(manifest: ReadonlyMap<string, string> | undefined): string | undefined {
  for (const key of ['group-id', 'bundle-symbolicname', 'implementation-vendor-id', 'automatic-module-name']) {
    const group = identifier(withoutDirectives(manifest?.get(key)));
    if (group?.includes('.')) return group;
  }
  return undefined;
}

function licensesOf(manifest: ReadonlyMap<string, string> | undefined): string[] {
  return ['bundle-license', 'plugin-license-name'].flatMap((key) => shortText(manifest?.get(key)) ?? []).slice(0, 1);
}

/** OSGi values: "org.example.thing;singleton:=true" */
function withoutDirectives(value: string | undefined): string | undefined {
  return value?.split(';')[0]?.trim();
}

function identifier(value: string | undefined): string | undefined {
  const text = shortText(value, 256);
  return text !== undefined && /^[^\s/@:${}]+$/.test(text) ? text : undefined;
}

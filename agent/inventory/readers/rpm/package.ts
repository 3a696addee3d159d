import { RpmHeader, RpmTag } from './header.ts';

/** A package of an rpm database. */
export interface RpmPackage {
  name: string;
  version: string;
  release: string;
  /** 0 where it has none, which is the same. */
  epoch: number;
  architecture: string;
  /** File name of the source package: "bash-5.2.15-3.fc39.src.rpm". */
  sourceRpm: string;
  license: string;
  /** "nodejs:18:8090020230922:rhel9" */
  modularityLabel: string;
  /** Undefined when the lists of its files contradict each other. */
  files: { path: string; digest: string }[] | undefined;
}

/** RPMFILE_STATE_NORMAL: others were replaced by another package's or never installed. */
const stateNormal = 0;
/** As in OpenPGP; MD5 where it is not told. */
const digestAlgorithms: Record<number, [name: string, hexLength: number]> = {
  1: ['md5', 32],
  2: ['sha1', 40],
  8: ['sha256', 64],
  9: ['sha384', 96],
  10: ['sha512', 128],
  11: ['sha224', 56],
};

/** Undefined when the blob is no header of a package. */
export function parsePackage(blob: Buffer): RpmPackage | undefined {
  const header = RpmHeader.parse(blob);
  if (header === undefined) return undefined;
  const [name, version] = [header.text(RpmTag.name), header.text(RpmTag.version)];
  const epochs = header.numbers(RpmTag.epoch);
  if (name === '' || version === '' || epochs === undefined) return undefined;
  return {
    ...{ name, version, release: header.text(RpmTag.release), epoch: epochs[0] ?? 0 },
    architecture: header.text(RpmTag.architecture),
    sourceRpm: header.text(RpmTag.sourceRpm),
    license: header.text(RpmTag.license),
    modularityLabel: header.text(RpmTag.modularityLabel),
    files: filesOf(header),
  };
}

/** "1:5.2.15-3.fc39" */
export function fullVersionOf({ epoch, version, release }: RpmPackage): string {
  return `${epoch === 0 ? '' : `${epoch}:`}${version}${release === '' ? '' : `-${release}`}`;
}

/** What tells packages of a database apart. */
export function keyOf(each: RpmPackage): string {
  return `${each.name}.${each.architecture}=${fullVersionOf(each)}`;
}

function filesOf(header: RpmHeader): RpmPackage['files'] {
  const paths = pathsOf(header);
  const states = header.numbers(RpmTag.fileStates);
  const digests = header.texts(RpmTag.fileDigests);
  if (paths === undefined || states === undefined || digests === undefined) return undefined;
  const isListed = (list: readonly unknown[]): boolean => list.length === 0 || list.length === paths.length;
  if (!isListed(states) || !isListed(digests)) return undefined;
  const algorithm = digestAlgorithms[header.numbers(RpmTag.fileDigestAlgorithm)?.[0] ?? 1];
  const files: { path: string; digest: string }[] = [];
  for (const [at, path] of paths.entries()) {
    if ((states[at] ?? stateNormal) !== stateNormal) continue;
    const digest = digests[at] ?? '';
    files.push({ path, digest: digest.length === algorithm?.[1] ? `${algorithm[0]}:${digest}` : '' });
  }
  return files;
}

/** Names and directories are apart; old packages have whole paths. */
function pathsOf(header: RpmHeader): string[] | undefined {
  if (!header.has(RpmTag.baseNames)) return header.texts(RpmTag.oldFileNames);
  const names = header.texts(RpmTag.baseNames);
  const directories = header.texts(RpmTag.directoryNames);
  const indexes = header.numbers(RpmTag.directoryIndexes);
  if (names === undefined || directories === undefined || indexes?.length !== names.length) return undefined;
  const paths: string[] = [];
  for (const [at, name] of names.entries()) {
    const directory = directories[indexes[at] ?? -1];
    if (directory === undefined) return undefined;
    paths.push(directory + name);
  }
  return paths;
}

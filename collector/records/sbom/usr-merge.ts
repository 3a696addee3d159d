/** The first release whose /bin, /sbin and /lib are always links into /usr; only for installations made since. */
const mergedSince: Readonly<Record<string, number>> = {
  debian: 12,
  ubuntu: 20.04,
  fedora: 17,
  rhel: 7,
  redhat: 7,
  centos: 7,
  rocky: 8,
  almalinux: 8,
  ol: 7,
  amzn: 2,
  alpine: 3.22,
};
const linked = /^\/(?:bin|sbin|lib|lib32|lib64|libx32)\//;

/**
 * Whether paths below /bin and /usr/bin are the same files. An SBOM holds no links, so this is known from the
 * distribution's release, or likely when no file is recorded directly below the old directories.
 */
export function usrMergeOf(
  distro: { id: string; version: string } | undefined,
  paths: Iterable<string>,
): 'known' | 'likely' | 'no' {
  const since = mergedSince[distro?.id ?? ''];
  if (since !== undefined && distro !== undefined) {
    const version = Number.parseFloat(distro.version);
    if (Number.isNaN(version) ? distro.id === 'debian' : isSince(distro.version, since)) return 'known';
  }
  for (const path of paths) if (linked.test(path)) return 'no';
  return 'likely';
}

/** Compares "3.9" and 3.22 as versions, not as decimals. */
function isSince(version: string, since: number): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [sinceMajor = 0, sinceMinor = 0] = String(since).split('.').map(Number);
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor);
}

/** The same file under its other name: /bin/x ↔ /usr/bin/x. Undefined for paths elsewhere. */
export function usrMergeAlias(path: string): string | undefined {
  if (linked.test(path)) return `/usr${path}`;
  const short = path.startsWith('/usr/') ? path.slice(4) : '';
  return linked.test(short) ? short : undefined;
}

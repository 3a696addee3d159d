import { isDockerHub } from './reference.ts';

/** A key of "auths": the hosts, and the part of their repositories, that credentials are for. */
export interface CredentialKey {
  /** Labels of the host name; "*" stands for any one of them. */
  labels: readonly string[];
  port: string;
  /** "acme/team", "" for all repositories. */
  path: string;
}

const maxKeyLength = 1024;
const keyPattern = /^(\[[0-9a-f:.]+\]|[a-z0-9*](?:[a-z0-9*._-]*[a-z0-9*])?)(?::(\d{1,5}))?(?:\/(.*))?$/;

/**
 * Reads a key as Docker and Kubernetes do (https://kubernetes.io/docs/concepts/containers/images/#config-json): scheme and
 * "/v1/" of old files go, Docker Hub's names become one. Undefined for what names no host.
 */
export function parseCredentialKey(key: string): CredentialKey | undefined {
  if (key.length > maxKeyLength) return undefined;
  const matched = keyPattern.exec(key.replace(/^https?:\/\//i, '').replace(/^[^/]+/, (host) => host.toLowerCase()));
  if (matched === null) return undefined;
  const [, host = '', port = '', rest = ''] = matched;
  const path = rest.replace(/\/+$/, '');
  return {
    labels: labelsOf(isDockerHub(host) ? 'docker.io' : host),
    port,
    path: path === 'v1' || path === 'v2' ? '' : path,
  };
}

/** Host and port whole, never in part; a "*" is exactly one label; the path ends between two components. */
export function keyMatches(key: CredentialKey, registry: string, repositoryName: string): boolean {
  const asked = parseCredentialKey(registry);
  if (asked === undefined || asked.port !== key.port || asked.labels.length !== key.labels.length) return false;
  if (!key.labels.every((label, index) => labelMatches(label, asked.labels[index] ?? ''))) return false;
  return key.path === '' || repositoryName === key.path || repositoryName.startsWith(`${key.path}/`);
}

/** Most specific first: longer paths, then fewer wildcards. */
export function compareKeys(a: CredentialKey, b: CredentialKey): number {
  return b.path.length - a.path.length || wildcards(a) - wildcards(b);
}

function labelMatches(pattern: string, label: string): boolean {
  if (!pattern.includes('*')) return pattern === label;
  const [start = '', ...rest] = pattern.split('*');
  const end = rest.at(-1) ?? '';
  if (label.length < start.length + end.length || !label.startsWith(start) || !label.endsWith(end)) return false;
  let at = start.length;
  for (const part of rest.slice(0, -1)) {
    at = label.indexOf(part, at);
    if (at === -1) return false;
    at += part.length;
  }
  return at <= label.length - end.length;
}

function labelsOf(host: string): readonly string[] {
  return host.startsWith('[') ? [host] : host.split('.');
}

function wildcards({ labels }: CredentialKey): number {
  return labels.filter((label) => label.includes('*')).length;
}

/** A repository and, where the URI names one, what of it was built. */
export interface SourceLocation {
  /** "https://github.com/acme/app": no "git+", no ".git", no user, host in lower case. */
  repository: string;
  /** "refs/tags/v1" */
  ref: string | undefined;
}

const maxUriLength = 4096;
const schemes = new Set(['https:', 'http:', 'ssh:', 'git:']);

/**
 * Brings the spellings of a git source to one: "git+https://host/acme/app.git@refs/tags/v1" as SLSA writes it
 * (https://slsa.dev/spec/v1.0/provenance), "https://host/acme/app.git#refs/tags/v1:dir" as BuildKit, "git@host:acme/app.git".
 * Undefined when it is no place that can be compared: it then matches no expectation.
 */
export function sourceLocation(uri: string | undefined): SourceLocation | undefined {
  if (uri === undefined || uri.length > maxUriLength || !/^[\x21-\x7e]+$/.test(uri) || uri.includes('\\'))
    return undefined;
  const spelled = uri.replace(/^git\+/, '').replace(/^git@([A-Za-z0-9.-]+):(?!\/)/, 'ssh://git@$1/');
  const url = URL.canParse(spelled) ? new URL(spelled) : undefined;
  if (url === undefined || !schemes.has(url.protocol) || url.hostname === '' || url.search !== '') return undefined;
  const at = url.pathname.indexOf('@');
  const path = (at < 0 ? url.pathname : url.pathname.slice(0, at)).replace(/\/+$/, '').replace(/\.git$/, '');
  if (path === '' || path.includes('%')) return undefined;
  const fragment = url.hash.slice(1).split(':', 1)[0] ?? '';
  const ref = at < 0 ? fragment : url.pathname.slice(at + 1);
  return { repository: `${url.protocol}//${url.host.toLowerCase()}${path}`, ref: ref || undefined };
}

/** The path of a workflow file without the repository before it and the ref behind it; as it is when it names neither. */
export function workflowPath(workflow: string | undefined): string | undefined {
  if (workflow === undefined) return undefined;
  const path = workflow.split('@', 1)[0] ?? '';
  const start = path.indexOf('/.github/workflows/');
  return (start < 0 ? path : path.slice(start + 1)) || undefined;
}

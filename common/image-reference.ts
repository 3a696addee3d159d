/** A repository on a registry; `registry` is "host" or "host:port" as it is dialled. */
export interface Repository {
  registry: string;
  name: string;
}

export interface ImageReference extends Repository {
  tag: string | undefined;
  digest: string | undefined;
  /** Whether the text named the registry itself; "alpine" does not and means Docker Hub only by convention. */
  hasRegistry: boolean;
}

const hostPattern = /^(?:\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::[0-9]{1,5})?$/;
const componentPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[\w][\w.-]{0,127}$/;
const digestPattern = /^sha256:[a-f0-9]{64}$/;
const dockerHubNames = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com']);
/** Where Docker Hub's distribution API is. */
const dockerHubRegistry = 'registry-1.docker.io';

/**
 * Parses "[host[:port]/]name[:tag][@digest]" as Docker does (https://pkg.go.dev/github.com/distribution/reference): the
 * first part is a host if it has a dot or a colon or is "localhost"; else the image is Docker Hub's, under library/ when
 * it has one part only. Answers why a text is no reference.
 */
export function parseImageReference(text: string): ImageReference | { refused: string } {
  const bare = text.replace(/^docker-pullable:\/\//, '').replace(/^docker:\/\//, '');
  if (bare.length === 0 || bare.length > 1024) return refused('it is empty or longer than 1024 characters');
  const at = bare.indexOf('@');
  const digest = at === -1 ? undefined : bare.slice(at + 1);
  if (digest !== undefined && !digestPattern.test(digest)) return refused('its digest is not sha256:<64 hex>');
  const named = at === -1 ? bare : bare.slice(0, at);
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !tagPattern.test(tag)) return refused('its tag has characters that a tag cannot have');
  const repository = parseRepository(hasTag ? named.slice(0, colon) : named);
  return 'refused' in repository ? repository : { ...repository, tag, digest };
}

function parseRepository(named: string): (Repository & { hasRegistry: boolean }) | { refused: string } {
  const slash = named.indexOf('/');
  const first = slash === -1 ? '' : named.slice(0, slash);
  const hasRegistry = first !== '' && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const host = hasRegistry ? first.toLowerCase() : 'docker.io';
  const path = hasRegistry ? named.slice(slash + 1) : named;
  if (!hostPattern.test(host)) return refused(`"${host}" is no host name`);
  const isHub = dockerHubNames.has(host);
  const name = isHub && !path.includes('/') ? `library/${path}` : path;
  if (name.length > 255 || !name.split('/').every((component) => componentPattern.test(component)))
    return refused('its repository name has characters that a repository cannot have');
  return { registry: isHub ? dockerHubRegistry : host, name, hasRegistry };
}

function refused(why: string): { refused: string } {
  return { refused: why };
}

/** "host:port/name", as people write it. */
export function repositoryText(repository: Repository): string {
  return `${repository.registry === dockerHubRegistry ? 'docker.io' : repository.registry}/${repository.name}`;
}

export function isDockerHub(registry: string): boolean {
  return dockerHubNames.has(registry);
}

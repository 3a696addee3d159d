import type { FetchedManifest, RegistryClient } from './client.ts';
import { digestTag } from './digest.ts';
import { RegistryError } from './errors.ts';
import { bareMediaType, ociIndex } from './media-types.ts';
import { type Descriptor, parseIndex } from './oci.ts';
import type { Repository } from './reference.ts';

export interface Referrers {
  /** Without duplicates, in the registry's order. */
  descriptors: readonly Descriptor[];
  /** Which of the two places answered. */
  via: 'api' | 'tag' | 'none';
}

const maxPages = 20;
const maxPageBytes = 4 * 1024 * 1024;
const maxReferrers = 512;

/**
 * Lists what refers to a digest: the referrers API with all its pages, and the referrers tag schema when the API is
 * missing (404) or has nothing (some registries answer an empty list and keep the tag)
 * (https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers). No filter is sent: the
 * artifactType in such lists is not reliable.
 */
export async function listReferrers(
  client: RegistryClient,
  repository: Repository,
  digest: string,
  signal: AbortSignal,
): Promise<Referrers> {
  const fromApi = await listFromApi(client, repository, digest, signal);
  if (fromApi !== undefined && fromApi.length > 0) return { descriptors: unique(fromApi, repository), via: 'api' };
  const tagged = await client.getManifest(repository, digestTag(digest), signal);
  if (tagged === undefined) return { descriptors: [], via: fromApi === undefined ? 'none' : 'api' };
  return { descriptors: unique(indexOf(tagged, repository), repository), via: 'tag' };
}

async function listFromApi(
  client: RegistryClient,
  repository: Repository,
  digest: string,
  signal: AbortSignal,
): Promise<Descriptor[] | undefined> {
  const found: Descriptor[] = [];
  let path: string | undefined = `referrers/${digest}`;
  for (let page = 0; path !== undefined; page++) {
    if (page === maxPages)
      throw new RegistryError(
        'REGISTRY_TOO_LARGE',
        `${repository.registry} lists more than ${maxPages} pages of referrers`,
      );
    const response = await client.get(repository, path, {
      headers: { accept: ociIndex },
      maxBytes: maxPageBytes,
      signal,
    });
    if (response === undefined) {
      if (page === 0) return undefined;
      throw new RegistryError(
        'REGISTRY_MALFORMED',
        `${repository.registry} lists a page of referrers that is not there`,
      );
    }
    found.push(...parsePage(response.body, response.headers['content-type'], repository));
    if (found.length > maxReferrers) throw tooMany(repository);
    path = nextPage(response.headers.link, response.url);
  }
  return found;
}

function parsePage(body: Buffer, contentType: string | undefined, repository: Repository): readonly Descriptor[] {
  if (bareMediaType(contentType) === 'text/html')
    throw new RegistryError('REGISTRY_CONTENT_TYPE', `${repository.registry} answered a web page instead of referrers`);
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new RegistryError('REGISTRY_NOT_JSON', `${repository.registry} answered no JSON for referrers`, {
      cause: error,
    });
  }
  try {
    return parseIndex(json).manifests;
  } catch (error) {
    throw new RegistryError('REGISTRY_MALFORMED', `${repository.registry} answered no index for referrers`, {
      cause: error,
    });
  }
}

function indexOf(tagged: FetchedManifest, repository: Repository): readonly Descriptor[] {
  if (tagged.document.kind === 'index') return tagged.document.index.manifests;
  throw new RegistryError(
    'REGISTRY_MALFORMED',
    `the referrers tag in ${repository.registry}/${repository.name} is no index`,
  );
}

function unique(descriptors: readonly Descriptor[], repository: Repository): Descriptor[] {
  const byDigest = new Map(descriptors.map((descriptor) => [descriptor.digest, descriptor]));
  if (byDigest.size > maxReferrers) throw tooMany(repository);
  return [...byDigest.values()];
}

function tooMany(repository: Repository): RegistryError {
  return new RegistryError('REGISTRY_TOO_LARGE', `${repository.registry} lists more than ${maxReferrers} referrers`);
}

/** Where a Link header (RFC 8288) leads with rel="next". Throws RegistryError REGISTRY_MALFORMED for what is no URL. */
export function nextPage(header: string | string[] | undefined, base: URL): string | undefined {
  const text = Array.isArray(header) ? header.join(', ') : (header ?? '');
  for (const match of text.matchAll(/<([^>]*)>([^,]*)/g)) {
    if (!/;\s*rel="?next"?/i.test(match[2] ?? '')) continue;
    if (!URL.canParse(match[1] ?? '', base.href))
      throw new RegistryError('REGISTRY_MALFORMED', `${base.host} names a next page that is no URL`);
    return new URL(match[1] ?? '', base).href;
  }
  return undefined;
}

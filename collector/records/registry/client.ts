import { LRUCache } from 'lru-cache';
import { Backoff, sleep } from '../../../common/backoff.ts';
import { parseChallenges } from './challenge.ts';
import type { CredentialAnswer, CredentialStore } from './credentials.ts';
import { isDigest, sha256Digest } from './digest.ts';
import { RegistryError } from './errors.ts';
import { HostPolicy, type HostPolicyOptions } from './host-policy.ts';
import { KeyedLimiter } from './limiter.ts';
import { acceptedManifests, bareMediaType } from './media-types.ts';
import type { Mirror } from './mirrors.ts';
import { type ManifestDocument, parseManifestDocument } from './oci.ts';
import { OciLayout } from './oci-layout.ts';
import type { Repository } from './reference.ts';
import { TokenSource } from './tokens.ts';
import { Transport, type TransportResponse } from './transport.ts';

export interface RegistryClientOptions extends HostPolicyOptions {
  credentials: CredentialStore;
  userAgent: string;
  /** One request with its redirects; default 30 s. */
  requestTimeoutMs?: number;
  maxManifestBytes?: number;
  maxConcurrentPerHost?: number;
  /** Tries of one request in all; default 3. */
  maxAttempts?: number;
  /** The longest Retry-After that is waited for; a longer one ends the look-up. Default 5 s. */
  maxRetryAfterMs?: number;
  nowMs?: () => number;
  /** Registries that hold what others do; they may be at private addresses. */
  mirrors?: readonly Mirror[];
  /** Folders in the OCI image layout. */
  layouts?: readonly string[];
  /** The registries that images name are not asked, only mirrors and layouts. */
  noUpstream?: boolean;
}

/** What a registry, or a folder that stands for one, answered. */
export type RegistryAnswer = Pick<TransportResponse, 'headers' | 'body' | 'url'>;

/** A manifest or index as fetched: `digest` is computed over `bytes`. */
export interface FetchedManifest {
  digest: string;
  bytes: Buffer;
  document: ManifestDocument;
}

const mebibyte = 1024 * 1024;
const defaults = {
  requestTimeoutMs: 30_000,
  maxManifestBytes: 4 * mebibyte,
  maxConcurrentPerHost: 4,
  maxAttempts: 3,
  maxRetryAfterMs: 5000,
  nowMs: () => Date.now(),
};
const retryable = new Set([
  'REGISTRY_UNREACHABLE',
  'REGISTRY_TRUNCATED',
  'REGISTRY_SERVER_ERROR',
  'REGISTRY_RATE_LIMITED',
]);

/**
 * Reads an OCI distribution registry (https://github.com/opencontainers/distribution-spec/blob/main/spec.md). Every byte
 * returned has the digest asked for. `undefined` means the registry said 404; everything else that is not an answer
 * throws RegistryError.
 */
export class RegistryClient {
  readonly #options: RegistryClientOptions & typeof defaults;
  readonly #hosts: HostPolicy;
  readonly #transport: Transport;
  readonly #tokens: TokenSource;
  readonly #limiter: KeyedLimiter;
  readonly mirrors: readonly Mirror[];
  readonly layouts: readonly OciLayout[];
  readonly noUpstream: boolean;
  /** By repository and digest: content that cannot change. */
  readonly #manifests = new LRUCache<string, FetchedManifest>({
    max: 2000,
    maxSize: 32 * mebibyte,
    sizeCalculation: (manifest) => manifest.bytes.length + 1,
  });

  constructor(options: RegistryClientOptions) {
    this.#options = { ...defaults, ...options };
    this.mirrors = options.mirrors ?? [];
    this.layouts = (options.layouts ?? []).map((folder) => new OciLayout(folder));
    this.noUpstream = options.noUpstream ?? false;
    const allowedHosts = [...options.allowedHosts, ...this.mirrors.map(({ host }) => host)];
    this.#hosts = new HostPolicy({ ...options, allowedHosts });
    this.#transport = new Transport({ ...this.#options, hosts: this.#hosts });
    const { nowMs } = this.#options;
    this.#tokens = new TokenSource({ transport: this.#transport, hosts: this.#hosts, nowMs });
    this.#limiter = new KeyedLimiter(this.#options.maxConcurrentPerHost);
  }

  close(): void {
    this.#transport.close();
  }

  /** A manifest or index by tag or digest. */
  async getManifest(
    repository: Repository,
    reference: string,
    signal: AbortSignal,
  ): Promise<FetchedManifest | undefined> {
    const key = `${repository.registry}/${repository.name}@${reference}`;
    const known = this.#manifests.get(key);
    if (known !== undefined) return known;
    const path = `manifests/${reference}`;
    const headers = { accept: acceptedManifests.join(', ') };
    const response = await this.get(repository, path, { headers, maxBytes: this.#options.maxManifestBytes, signal });
    if (response === undefined) return undefined;
    const digest = sha256Digest(response.body);
    if (isDigest(reference)) {
      assertDigest(response, reference, digest);
    }
    const fetched = { digest, bytes: response.body, document: manifestOf(response) };
    if (isDigest(reference)) this.#manifests.set(key, fetched);
    return fetched;
  }

  async getBlob(
    repository: Repository,
    digest: string,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<Buffer | undefined> {
    const response = await this.get(repository, `blobs/${digest}`, { maxBytes, signal });
    if (response === undefined) return undefined;
    assertDigest(response, digest, sha256Digest(response.body));
    return response.body;
  }

  /** GET below /v2/<name>/; undefined on 404. `path` may also be an absolute URL on the same registry (pagination). */
  async get(
    repository: Repository,
    path: string,
    request: { headers?: Record<string, string>; maxBytes: number; signal: AbortSignal },
  ): Promise<RegistryAnswer | undefined> {
    const layout = this.layouts.find(({ registry }) => registry === repository.registry);
    if (layout !== undefined) return fromLayout(layout, repository, path, request.maxBytes);
    const base = `${this.#hosts.schemeOf(repository.registry)}://${repository.registry}/v2/${repository.name}/`;
    const url = new URL(path, base);
    if (url.host !== new URL(base).host)
      throw new RegistryError('REGISTRY_MALFORMED', `${repository.registry} points to ${url.host} for its next page`);
    const response = await this.#limiter.run(url.host, () => this.#getRetrying(repository, url, request));
    if (response.status === 404) return undefined;
    if (response.status === 200) return response;
    throw new RegistryError(
      'REGISTRY_UNEXPECTED_STATUS',
      `${url.host}${url.pathname} answered status ${response.status}`,
    );
  }

  async #getRetrying(
    repository: Repository,
    url: URL,
    request: { headers?: Record<string, string>; maxBytes: number; signal: AbortSignal },
  ): Promise<TransportResponse> {
    const backoff = new Backoff({ initialMs: 200, maxMs: 2000 });
    for (let attempt = 1; ; attempt++) {
      let retryAfterMs: number | undefined;
      try {
        const response = await this.#getAuthorized(repository, url, request);
        retryAfterMs = retryAfterOf(response, this.#options.nowMs());
        assertNotFailing(response, retryAfterMs, this.#options.maxRetryAfterMs);
        return response;
      } catch (error) {
        const again = error instanceof RegistryError && retryable.has(error.code) && error.hint === undefined;
        if (!again || attempt >= this.#options.maxAttempts || request.signal.aborted) throw error;
      }
      await sleep(Math.max(backoff.nextDelayMs(), retryAfterMs ?? 50), request.signal);
    }
  }

  async #getAuthorized(
    repository: Repository,
    url: URL,
    request: { headers?: Record<string, string>; maxBytes: number; signal: AbortSignal },
  ): Promise<TransportResponse> {
    const cached = this.#tokens.cached(repository);
    const first = await this.#transport.send({ ...request, url, headers: withAuthorization(request.headers, cached) });
    if (first.status !== 401 && first.status !== 403) return first;
    const known = await this.#options.credentials.find(repository);
    const challenges = parseChallenges(first.headers['www-authenticate']);
    const answer =
      first.status === 401
        ? await this.#tokens.answer(repository, challenges, known.credentials, request.signal)
        : undefined;
    if (answer === undefined) throw denied(repository, first.status, known);
    const second = await this.#transport.send({ ...request, url, headers: withAuthorization(request.headers, answer) });
    if (second.status === 401 || second.status === 403) throw denied(repository, second.status, known);
    return second;
  }
}

function denied(repository: Repository, status: number, { credentials, problem }: CredentialAnswer): RegistryError {
  const place = `${repository.registry}/${repository.name}`;
  const how = credentials === undefined ? 'without credentials' : 'with the credentials that are known';
  return new RegistryError('REGISTRY_DENIED', `${place} may not be read ${how} (status ${status})`, {
    hint:
      problem ??
      `run \`docker login ${repository.registry}\` for the account that the collector runs as, or give it a pull secret`,
  });
}

async function fromLayout(
  layout: OciLayout,
  repository: Repository,
  path: string,
  maxBytes: number,
): Promise<RegistryAnswer | undefined> {
  const answer = await layout.get(repository.name, path, maxBytes);
  if (answer === undefined) return undefined;
  const headers = answer.contentType === undefined ? {} : { 'content-type': answer.contentType };
  return { headers, body: answer.body, url: new URL(`oci-layout://layout/${encodeURI(path)}`) };
}

function withAuthorization(
  headers: Record<string, string> | undefined,
  value: string | undefined,
): Record<string, string> {
  return value === undefined ? { ...headers } : { ...headers, authorization: value };
}

/** Retry-After in milliseconds; seconds or an HTTP date. */
function retryAfterOf(response: TransportResponse, nowMs: number): number | undefined {
  const value = response.headers['retry-after'];
  if (value === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

function assertNotFailing(
  response: TransportResponse,
  retryAfterMs: number | undefined,
  maxRetryAfterMs: number,
): void {
  const { status, url } = response;
  if (status !== 429 && status < 500) return;
  const code = status === 429 ? 'REGISTRY_RATE_LIMITED' : 'REGISTRY_SERVER_ERROR';
  const isTooLong = retryAfterMs !== undefined && retryAfterMs > maxRetryAfterMs;
  throw new RegistryError(code, `${url.host}${url.pathname} answered status ${status}`, {
    hint: isTooLong
      ? `it asks to wait ${Math.ceil(retryAfterMs / 1000)} s, which is longer than a look-up may take`
      : undefined,
  });
}

function assertDigest(response: RegistryAnswer, expected: string, found: string): void {
  if (expected === found) return;
  throw new RegistryError(
    'REGISTRY_DIGEST_MISMATCH',
    `${response.url.host} answered other bytes than asked for: expected ${expected}, found ${found}`,
  );
}

function manifestOf(response: RegistryAnswer): ManifestDocument {
  const contentType = response.headers['content-type'];
  const place = `${response.url.host}${response.url.pathname}`;
  const mediaType = bareMediaType(contentType);
  if (mediaType === 'text/html')
    throw new RegistryError('REGISTRY_CONTENT_TYPE', `${place} answered a web page instead of a manifest`);
  let json: unknown;
  try {
    json = JSON.parse(response.body.toString('utf8'));
  } catch (error) {
    throw new RegistryError('REGISTRY_NOT_JSON', `${place} answered no JSON (${mediaType || 'no content type'})`, {
      cause: error,
    });
  }
  try {
    return parseManifestDocument(json, contentType);
  } catch (error) {
    throw new RegistryError('REGISTRY_MALFORMED', `${place} answered no manifest`, { cause: error });
  }
}

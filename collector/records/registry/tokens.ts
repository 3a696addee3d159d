import { isIP } from 'node:net';
import { z } from 'zod';
import type { Challenge } from './challenge.ts';
import type { Credentials } from './credentials.ts';
import { RegistryError } from './errors.ts';
import type { HostPolicy } from './host-policy.ts';
import type { Repository } from './reference.ts';
import type { Transport, TransportResponse } from './transport.ts';

const tokenSchema = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().nullish(),
  issued_at: z.string().nullish(),
});
const maxTokenBytes = 64 * 1024;
const maxTokens = 1000;
const defaultTokenLifeMs = 60_000;
const maxTokenLifeMs = 3_600_000;

export interface TokenSourceOptions {
  transport: Transport;
  hosts: HostPolicy;
  nowMs: () => number;
}

/** Authorization headers by registry and repository: https://distribution.github.io/distribution/spec/auth/token/ */
export class TokenSource {
  readonly #options: TokenSourceOptions;
  readonly #headers = new Map<string, { value: string; expiresAtMs: number }>();

  constructor(options: TokenSourceOptions) {
    this.#options = options;
  }

  cached(repository: Repository): string | undefined {
    const entry = this.#headers.get(keyOf(repository));
    return entry !== undefined && entry.expiresAtMs > this.#options.nowMs() ? entry.value : undefined;
  }

  /** Answers a 401: the header to try again with, or undefined when there is nothing more to offer. */
  async answer(
    repository: Repository,
    challenges: readonly Challenge[],
    credentials: Credentials | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const bearer = challenges.find((challenge) => challenge.scheme === 'bearer');
    if (bearer !== undefined) return this.#bearer(repository, bearer, credentials, signal);
    const basic = challenges.some((challenge) => challenge.scheme === 'basic');
    if (!basic || credentials?.kind !== 'basic') return undefined;
    return this.#keep(repository, basicHeader(credentials), maxTokenLifeMs);
  }

  async #bearer(
    repository: Repository,
    challenge: Challenge,
    credentials: Credentials | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (credentials?.kind === 'registry-token')
      return this.#keep(repository, `Bearer ${credentials.token}`, defaultTokenLifeMs);
    const realm = this.#realm(repository, challenge);
    const offered = sharesOwner(realm.hostname, hostnameOf(repository.registry)) ? credentials : undefined;
    const service = challenge.parameters.get('service');
    const scope = `repository:${repository.name}:pull`;
    const response = await this.#requestToken(realm, { service, scope }, offered, signal);
    if (response.status === 401 || response.status === 403) return undefined;
    const token = parseToken(response);
    const lifeMs = Math.min(this.#leftMs(token), maxTokenLifeMs);
    return this.#keep(repository, `Bearer ${token.value}`, Math.max(lifeMs * 0.9, 1000));
  }

  /** The rest of the token's life. A time of issue that does not fit to it comes from another clock and says nothing. */
  #leftMs({ lifeMs, issuedAtMs }: Token): number {
    const ageMs = this.#options.nowMs() - issuedAtMs;
    return ageMs > 0 && ageMs < lifeMs ? lifeMs - ageMs : lifeMs;
  }

  #realm(repository: Repository, challenge: Challenge): URL {
    const realm = challenge.parameters.get('realm') ?? '';
    if (!URL.canParse(realm))
      throw new RegistryError(
        'REGISTRY_CHALLENGE',
        `${repository.registry} asks for a token but names no place to get it`,
      );
    const url = new URL(realm);
    this.#options.hosts.assertAllowed(url);
    return url;
  }

  #requestToken(
    realm: URL,
    ask: { service: string | undefined; scope: string },
    credentials: Credentials | undefined,
    signal: AbortSignal,
  ): Promise<TransportResponse> {
    const { transport } = this.#options;
    if (credentials?.kind === 'identity-token') {
      const form = new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: credentials.token,
        client_id: 'tallyman',
        scope: ask.scope,
        service: ask.service ?? '',
      });
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      return transport.send({
        url: realm,
        method: 'POST',
        headers,
        body: form.toString(),
        maxBytes: maxTokenBytes,
        signal,
      });
    }
    const url = new URL(realm);
    if (ask.service !== undefined) url.searchParams.set('service', ask.service);
    url.searchParams.set('scope', ask.scope);
    const headers: Record<string, string> =
      credentials?.kind === 'basic' ? { authorization: basicHeader(credentials) } : {};
    return transport.send({ url, headers, maxBytes: maxTokenBytes, signal });
  }

  #keep(repository: Repository, value: string, lifeMs: number): string {
    if (this.#headers.size >= maxTokens) this.#headers.delete(this.#headers.keys().next().value ?? '');
    this.#headers.set(keyOf(repository), { value, expiresAtMs: this.#options.nowMs() + lifeMs });
    return value;
  }
}

function keyOf(repository: Repository): string {
  return `${repository.registry}/${repository.name}`;
}

function basicHeader(credentials: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
}

interface Token {
  value: string;
  lifeMs: number;
  /** By the clock of who issued it; NaN when it does not say. */
  issuedAtMs: number;
}

function parseToken(response: TransportResponse): Token {
  const place = response.url.host;
  if (response.status !== 200)
    throw new RegistryError('REGISTRY_CHALLENGE', `${place} answered ${response.status} when asked for a token`);
  let parsed: z.infer<typeof tokenSchema>;
  try {
    parsed = tokenSchema.parse(JSON.parse(response.body.toString('utf8')));
  } catch {
    throw new RegistryError('REGISTRY_CHALLENGE', `${place} answered with no token document when asked for a token`);
  }
  const value = parsed.token ?? parsed.access_token ?? '';
  if (!/^[\x21-\x7e]{1,65536}$/.test(value))
    throw new RegistryError('REGISTRY_CHALLENGE', `${place} answered with an empty or malformed token`);
  const seconds = parsed.expires_in ?? 0;
  const lifeMs = seconds > 0 ? seconds * 1000 : defaultTokenLifeMs;
  return { value, lifeMs, issuedAtMs: Date.parse(parsed.issued_at ?? '') };
}

function hostnameOf(registry: string): string {
  return new URL(`https://${registry}`).hostname;
}

/**
 * Whether a token service may be given this registry's password: the same host, one above or below the other, or two
 * under one domain that is not itself a public suffix such as co.uk.
 */
function sharesOwner(realm: string, registry: string): boolean {
  if (realm === registry) return true;
  if (isIP(registry.replace(/^\[|\]$/g, '')) !== 0) return false;
  if (realm.endsWith(`.${registry}`) || registry.endsWith(`.${realm}`)) return true;
  const parent = registry.slice(registry.indexOf('.') + 1).split('.');
  if (parent.length < 2 || !realm.endsWith(`.${parent.join('.')}`)) return false;
  return parent.length > 2 || parent[1]!.length > 2 || parent[0]!.length > 3;
}

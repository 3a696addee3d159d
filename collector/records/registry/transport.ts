import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { RegistryError, toRegistryError } from './errors.ts';
import { type HostPolicy, isLoopbackName } from './host-policy.ts';

export interface TransportRequest {
  url: URL;
  method?: 'GET' | 'POST';
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** Reading stops with REGISTRY_TOO_LARGE as soon as more has arrived. */
  maxBytes: number;
  signal: AbortSignal;
}

export interface TransportResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** Where the answer came from, after redirects. */
  url: URL;
}

export interface TransportOptions {
  hosts: HostPolicy;
  /** One request with its redirects and its whole body. */
  requestTimeoutMs: number;
  userAgent: string;
}

const maxRedirects = 5;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);

/**
 * HTTP for registries: addresses checked when connecting (which fetch offers no place for), redirects followed by hand,
 * bodies cut at their cap while they arrive, never decompressed.
 */
export class Transport {
  readonly #options: TransportOptions;
  readonly #http = new HttpAgent({ keepAlive: true, maxTotalSockets: 64, maxFreeSockets: 8, timeout: 10_000 });
  readonly #https = new HttpsAgent({ keepAlive: true, maxTotalSockets: 64, maxFreeSockets: 8, timeout: 10_000 });

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    const deadline = AbortSignal.timeout(this.#options.requestTimeoutMs);
    const signal = AbortSignal.any([request.signal, deadline]);
    let url = request.url;
    let headers: Record<string, string> = { ...request.headers };
    const visited: string[] = [];
    for (;;) {
      const response = await this.#sendOnce({ ...request, url, headers, signal });
      const location = redirectStatuses.has(response.status) ? response.headers.location : undefined;
      if (location === undefined) return response;
      visited.push(url.href);
      const next = this.#redirectTarget(url, location, visited);
      if (next.origin !== url.origin) {
        const { authorization: _dropped, ...kept } = headers;
        headers = kept;
      }
      url = next;
    }
  }

  #redirectTarget(from: URL, location: string, visited: readonly string[]): URL {
    if (visited.length > maxRedirects)
      throw new RegistryError('REGISTRY_REDIRECT_LOOP', `${visited[0]} redirects more than ${maxRedirects} times`);
    if (!URL.canParse(location, from.href))
      throw new RegistryError('REGISTRY_REDIRECT_REFUSED', `${from.host} redirects to something that is no URL`);
    const next = new URL(location, from);
    const refuse = (why: string): RegistryError =>
      new RegistryError('REGISTRY_REDIRECT_REFUSED', `${from.host} redirects to ${next.origin}: ${why}`);
    if (next.protocol !== 'https:' && next.protocol !== 'http:') throw refuse('not HTTP');
    if (from.protocol === 'https:' && next.protocol === 'http:') throw refuse('from HTTPS down to plain HTTP');
    if (next.username !== '' || next.password !== '') throw refuse('it carries credentials');
    if (isLoopbackName(next.hostname) && !isLoopbackName(from.hostname)) throw refuse('from a remote host to loopback');
    if (visited.includes(next.href))
      throw new RegistryError('REGISTRY_REDIRECT_LOOP', `${visited[0]} redirects in a circle`);
    return next;
  }

  async #sendOnce(request: TransportRequest): Promise<TransportResponse> {
    this.#options.hosts.assertAllowed(request.url);
    try {
      const message = await this.#open(request);
      const body = await readBody(message, request);
      return { status: message.statusCode ?? 0, headers: message.headers, body, url: request.url };
    } catch (error) {
      throw toRegistryError(request.signal.aborted ? request.signal.reason : error, request.url);
    }
  }

  #open(request: TransportRequest): Promise<IncomingMessage> {
    const isHttps = request.url.protocol === 'https:';
    const send = isHttps ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const client = send(
        request.url,
        {
          method: request.method ?? 'GET',
          agent: isHttps ? this.#https : this.#http,
          lookup: this.#options.hosts.lookupFor(request.url),
          headers: { 'accept-encoding': 'identity', 'user-agent': this.#options.userAgent, ...request.headers },
          signal: request.signal,
          maxHeaderSize: 32 * 1024,
        },
        resolve,
      );
      client.once('error', reject);
      client.end(request.body);
    });
  }
}

async function readBody(message: IncomingMessage, request: TransportRequest): Promise<Buffer> {
  const announced = Number(message.headers['content-length'] ?? '0');
  const tooLarge = (): RegistryError => {
    message.destroy();
    return new RegistryError(
      'REGISTRY_TOO_LARGE',
      `${request.url.host}${request.url.pathname} is larger than ${request.maxBytes} bytes; reading was stopped`,
    );
  };
  if (announced > request.maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > request.maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  if (!message.complete)
    throw new RegistryError('REGISTRY_TRUNCATED', `${request.url.host} ended its answer after ${size} bytes`);
  return Buffer.concat(chunks, size);
}

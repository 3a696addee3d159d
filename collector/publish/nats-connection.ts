import { readFileSync } from 'node:fs';
import { type ConnectionOptions, credsAuthenticator } from 'nats';
import { CodedError } from '../../common/errors.ts';
import { version } from '../../common/version.ts';

export interface NatsAccess {
  /** "nats://host:4222", several separated by commas, "tls://…" for TLS; a user and password may be part of it. */
  url: string;
  /** A .creds file; read again at each connect, so that it can be rotated. */
  credsFile?: string;
  user?: string;
  password?: string;
  token?: string;
  tls?: { caFile?: string; certFile?: string; keyFile?: string };
}

/**
 * Options of the client that keep it trying for ever: its own default gives up for good after 20 s of outage.
 *
 * @throws CodedError<'nats-url-invalid'>
 */
export function natsConnectionOptions(access: NatsAccess): ConnectionOptions {
  const urls = access.url.split(',').map((url) => parseNatsUrl(url.trim()));
  const user = access.user ?? (decodeURIComponent(urls[0]?.username ?? '') || undefined);
  const pass = access.password ?? (decodeURIComponent(urls[0]?.password ?? '') || undefined);
  const options: ConnectionOptions = {
    servers: urls.map((url) => url.host),
    name: `tallyman-collector/${version}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    reconnectJitter: 500,
    reconnectJitterTLS: 1000,
    pingInterval: 20_000,
    maxPingOut: 2,
    timeout: 5000,
    // Credentials may be repaired while we run.
    ignoreAuthErrorAbort: true,
  };
  if (access.token !== undefined) options.token = access.token;
  if (user !== undefined) options.user = user;
  if (pass !== undefined) options.pass = pass;
  const { credsFile } = access;
  if (credsFile !== undefined) options.authenticator = (nonce) => credsAuthenticator(readFileSync(credsFile))(nonce);
  if (access.tls !== undefined || urls.some((url) => url.protocol === 'tls:')) options.tls = access.tls ?? {};
  return options;
}

/** The address without user and password, for logs and status. */
export function shownNatsUrl(url: string): string {
  return url.replaceAll(/\/\/[^/@,]*@/g, '//');
}

function parseNatsUrl(text: string): URL {
  const written = text.includes('://') ? text : `nats://${text}`;
  let url: URL | undefined;
  try {
    url = new URL(written);
  } catch {
    url = undefined;
  }
  if (url === undefined || url.hostname === '' || (url.protocol !== 'nats:' && url.protocol !== 'tls:'))
    throw new CodedError('nats-url-invalid', `${JSON.stringify(shownNatsUrl(text))} is no NATS address`, {
      hint: 'expected nats://HOST:PORT or tls://HOST:PORT, several separated by commas',
    });
  if (url.port === '') url.port = '4222';
  return url;
}

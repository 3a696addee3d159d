import { isIP } from 'node:net';
import { InvalidArgumentError, Option } from 'commander';

export const severityWords = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type SeverityWord = (typeof severityWords)[number];

/** An option that can also be given as TALLYMAN_<NAME>, or as the environment variable named. */
export function option(flags: string, description: string, variable?: string): Option {
  const made = new Option(flags, description);
  return made.env(variable ?? `TALLYMAN_${made.name().replaceAll('-', '_').toUpperCase()}`);
}

/** "90s", "15m", "2h", "3d" or an ISO time, as a Unix time in ms. */
export function parseSince(text: string, nowUnixMs: number = Date.now()): number {
  const spanMs = spanOf(text);
  if (spanMs !== undefined) return nowUnixMs - spanMs;
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw new InvalidArgumentError('Give a span like 90s, 15m, 2h, 3d, or a time like 2026-11-23T03:14:00Z.');
}

/** "HOST:PORT" or "[v6]:PORT"; port 0 stands for any free one. */
export function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port > 65_535 || (match?.[1] !== undefined && isIP(match[1]) !== 6))
    throw new InvalidArgumentError('Give HOST:PORT, for example 127.0.0.1:8600 or [::1]:8600.');
  return { host, port };
}

/** Checks an address and leaves it as it was written. */
export function checkAddress(text: string): string {
  parseAddress(text);
  return text;
}

export function parseUrl(...protocols: string[]): (text: string) => string {
  return (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || url.hostname === '' || !protocols.includes(url.protocol))
      throw new InvalidArgumentError(`Give a URL like ${protocols[0]}//host:port.`);
    return text;
  };
}

export function parseCount(text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError('Give a number from 1 to 9999999.');
  return count;
}

/** Milliseconds; 0 stands for never. */
export function parseIntervalMs(text: string): number {
  const intervalMs = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (intervalMs === 0 || (intervalMs >= 100 && intervalMs <= 3_600_000)) return intervalMs;
  throw new InvalidArgumentError('Give 0, or 100 to 3600000 milliseconds.');
}

/** "90s", "15m", "2h", "3d" or "0", in ms. */
export function parseSpanMs(text: string): number {
  const spanMs = text === '0' ? 0 : spanOf(text);
  if (spanMs !== undefined && spanMs <= 90 * 86_400_000) return spanMs;
  throw new InvalidArgumentError('Give a span like 90s, 15m, 2h or 3d, at most 90d, or 0.');
}

function spanOf(text: string): number | undefined {
  const span = /^(\d{1,6})(s|m|h|d)$/.exec(text);
  if (span === null) return undefined;
  return Number(span[1]) * { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[span[2] as 's' | 'm' | 'h' | 'd'];
}

/** For options that may be repeated; an environment variable holds several separated by commas. */
export function collect(text: string, previous: readonly string[] | undefined): string[] {
  const values = text.split(',').map((part) => part.trim());
  if (values.some((value) => value === '')) throw new InvalidArgumentError('Give one value, or several with commas.');
  return [...(previous ?? []), ...values];
}

export const defaultNatsUrl = 'nats://127.0.0.1:4222';

export const apiOption = (): Option =>
  option('--api <url>', "the collector's HTTP API")
    .default('http://127.0.0.1:8600')
    .argParser(parseUrl('http:', 'https:'));

export const apiTokenOption = (): Option =>
  option('--api-token <token>', 'bearer token of the HTTP API, where it has one');

export const natsOption = (): Option =>
  option('--nats-url <url>', 'the NATS server that carries the alerts')
    .default(defaultNatsUrl)
    .argParser(parseUrl('nats:', 'tls:', 'ws:', 'wss:'));

export const jsonOption = (): Option => new Option('--json', 'machine-readable output: one JSON document per line');
export const utcOption = (): Option => option('--utc', 'times in UTC instead of local time');

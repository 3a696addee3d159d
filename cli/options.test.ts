import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { collect, parseAddress, parseCount, parseSince, parseUrl } from './options.ts';

describe('parseSince', () => {
  const now = Date.UTC(2026, 10, 23);
  it.each([
    ['90s', now - 90_000],
    ['15m', now - 900_000],
    ['2h', now - 7_200_000],
    ['3d', now - 259_200_000],
    ['2026-11-22T03:14:00Z', Date.UTC(2026, 10, 22, 3, 14)],
  ])('%s', (text, time) => expect(parseSince(text, now)).toBe(time));

  it.each(['', 'soon', '-5m', '1w', '9999999d'])('refuses %j', (text) =>
    expect(() => parseSince(text, now)).toThrow(InvalidArgumentError),
  );
});

describe('parseAddress', () => {
  it('reads names, IPv4 and IPv6', () => {
    expect(parseAddress('127.0.0.1:0')).toEqual({ host: '127.0.0.1', port: 0 });
    expect(parseAddress('[::1]:8600')).toEqual({ host: '::1', port: 8600 });
    expect(parseAddress('tallyman-collector.tallyman.svc:4319')).toMatchObject({ port: 4319 });
  });

  it.each(['', ':80', 'host', 'host:65536', '::1:80', '[1.2.3.4]:80', 'a b:1', 'host:-1'])('refuses %j', (text) =>
    expect(() => parseAddress(text)).toThrow(InvalidArgumentError),
  );
});

it('takes only URLs of the protocols asked for', () => {
  const parse = parseUrl('nats:', 'tls:');
  expect(parse('nats://127.0.0.1:4222')).toBe('nats://127.0.0.1:4222');
  for (const text of ['http://x', 'nats:', '127.0.0.1:4222', ''])
    expect(() => parse(text)).toThrow(InvalidArgumentError);
});

it('counts from 1', () => {
  expect(parseCount('50')).toBe(50);
  for (const text of ['0', '-1', '1.5', '1e3', '']) expect(() => parseCount(text)).toThrow(InvalidArgumentError);
});

it('collects repeated and comma-separated values', () => {
  expect(collect('b, c', collect('a', undefined))).toEqual(['a', 'b', 'c']);
  expect(() => collect('a,,b', undefined)).toThrow(InvalidArgumentError);
});

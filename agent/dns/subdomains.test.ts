import { beforeEach, expect, it } from 'vitest';
import { eventOfExample } from '../detect/example-event.ts';
import { Subdomains } from './subdomains.ts';

let subdomains: Subdomains;
beforeEach(() => {
  subdomains = new Subdomains();
});

function ask(queryName: string, { container = 'a', afterMs = 0, wellFormed = true } = {}): number {
  const { event } = eventOfExample({ on: 'dns', event: { queryName, wellFormed } });
  if (event.kind !== 'dns') throw new Error('no dns event');
  const later = { ...event, ktimeNs: event.ktimeNs + BigInt(afterMs) * 1_000_000n };
  subdomains.apply(container, later);
  return later.subdomains;
}

it('counts different names below one domain, each once', () => {
  expect([ask('a.t.example'), ask('b.t.example'), ask('b.t.example'), ask('c.u.t.example')]).toEqual([1, 2, 2, 3]);
  expect(ask('a.other.example')).toBe(1);
  expect(ask('a.t.example', { container: 'b' })).toBe(1);
});

it('takes what lies below the same registry for different domains', () => {
  expect([ask('www.a.co.uk'), ask('www.b.co.uk'), ask('mail.b.co.uk')]).toEqual([1, 1, 2]);
});

it('counts no domain by itself, and nothing of what is no answer', () => {
  expect([ask('t.example'), ask('localhost'), ask('a.t.example', { wellFormed: false })]).toEqual([0, 0, 0]);
});

it('begins anew after a minute', () => {
  ask('a.t.example');
  expect(ask('b.t.example', { afterMs: 59_000 })).toBe(2);
  expect(ask('c.t.example', { afterMs: 61_000 })).toBe(1);
});

it('stops counting at 64', () => {
  for (let at = 0; at < 100; at++) ask(`n${at}.t.example`);
  expect(ask('more.t.example')).toBe(64);
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAddress } from '../decode/address.ts';
import { AddressSet } from './address-set.ts';

function setOf(...texts: string[]): AddressSet {
  const set = new AddressSet();
  for (const text of texts) expect(set.add(text), text).toBe(true);
  return set;
}

describe('a set of addresses and networks', () => {
  it.each([
    ['10.0.0.7', '10.0.0.7', true],
    ['10.0.0.7', '10.0.0.8', false],
    ['::ffff:10.0.0.7', '10.0.0.7', true],
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.9/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['::ffff:10.0.0.0/104', '10.9.9.9', true],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:DB8:0::1', '2001:db8::1', true],
    ['2001:db8::/32', '2001:db8:ffff::9', true],
    ['2001:db8::/32', '2001:db9::9', false],
    ['::/0', '2001:db8::1', true],
    ['203.0.113.9/32', '203.0.113.9', true],
  ])('of %s has %s: %s', (member, address, expected) => {
    expect(setOf(member).has(address)).toBe(expected);
  });

  it.each(['', '10.0.0', '10.0.0.256', '010.1.1.1', '1', '0x7f000001', '10.0.0.0/33', '10.0.0.0/', '/8', '::/129'])(
    'does not take "%s"',
    (text) => expect(new AddressSet().add(text)).toBe(false),
  );

  it.each(['fe80::1%eth0', '::ffff:10.0.0.0/64', '10.0.0.0/-1', '10.0.0.0/8/8', 'example.org', '*'])(
    'does not take "%s" either',
    (text) => expect(new AddressSet().add(text)).toBe(false),
  );

  it('knows any address by the text that events have for it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.constantFrom(2, 10), (bytes, family) => {
        const text = decodeAddress(family, bytes)?.text ?? '';
        expect(setOf(text).has(text)).toBe(true);
        expect(setOf(`${text}/${text.includes(':') ? 128 : 32}`).has(text)).toBe(true);
      }),
    );
  });

  it('never throws at texts', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof new AddressSet().add(text) === 'boolean'));
    fc.assert(
      fc.property(fc.ipV6(), fc.nat(200), (ip, bits) => typeof new AddressSet().add(`${ip}/${bits}`) === 'boolean'),
    );
  });
});

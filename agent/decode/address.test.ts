import { describe, expect, it } from 'vitest';
import { decodeAddress, decodePort } from './address.ts';

function inet6(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex');
}

describe('decodeAddress', () => {
  it.each([
    ['00000000000000000000000000000001', '::1'],
    ['00000000000000000000000000000000', '::'],
    ['fd000ec2000000000000000000000254', 'fd00:ec2::254'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['20010db8000100010001000100010001', '2001:db8:1:1:1:1:1:1'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
  ])('writes %s as %s', (hex, text) => {
    expect(decodeAddress(10, inet6(hex))).toEqual({ family: 'ipv6', text });
  });

  it('gives a mapped IPv4 address as IPv4', () => {
    expect(decodeAddress(10, inet6('00000000000000000000ffffa9fea9fe'))).toEqual({
      family: 'ipv4',
      text: '169.254.169.254',
    });
  });

  it('reads IPv4 and refuses other families', () => {
    expect(decodeAddress(2, Uint8Array.of(127, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9))).toEqual({
      family: 'ipv4',
      text: '127.0.0.1',
    });
    expect(decodeAddress(16, new Uint8Array(16))).toBeUndefined();
  });

  it('turns the port of the network round', () => {
    expect(decodePort(0x5000)).toBe(80);
    expect(decodePort(0xbb01)).toBe(443);
  });
});

import { expect, it } from 'vitest';
import { isLoopbackAddress } from './loopback.ts';

it.each(['127.0.0.1:4319', '127.9.9.9', 'localhost:1', '[::1]:80', '::1', '[::ffff:127.0.0.1]:1', 'unix:/run/x.sock'])(
  'knows that %s stays on the machine',
  (address) => expect(isLoopbackAddress(address)).toBe(true),
);

it.each([
  '0.0.0.0:4319',
  '[::]:1',
  '10.0.0.1:1',
  'collector:4319',
  '127.0.0.1.example.com:1',
  'localhost.evil:1',
  '',
  '[',
  ':1',
])('does not take %s for loopback', (address) => expect(isLoopbackAddress(address)).toBe(false));

import { expect, it } from 'vitest';
import { programName } from './program-name.ts';

it.each([
  ['/usr/bin/curl', ['innocent', '-s'], { name: 'curl', argumentsFrom: 1 }],
  ['/bin/busybox', ['nc', '127.0.0.1'], { name: 'nc', argumentsFrom: 1 }],
  ['/bin/busybox', ['/bin/busybox', 'sh', '-c', 'x'], { name: 'sh', argumentsFrom: 2 }],
  ['/bin/busybox', ['-sh'], { name: 'sh', argumentsFrom: 1 }],
  ['/bin/busybox', ['busybox', '--list'], { name: 'busybox', argumentsFrom: 1 }],
  ['/bin/busybox', [], { name: 'busybox', argumentsFrom: 1 }],
  ['memfd:payload', ['sh'], { name: 'memfd:payload', argumentsFrom: 1 }],
])('%s called as %j is %j', (path, argv, expected) => {
  expect(programName(path, argv)).toEqual(expected);
});

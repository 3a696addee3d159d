import { describe, expect, it } from 'vitest';
import { parseIdMap, parsePasswd } from './user-names.ts';

describe('the names of users', () => {
  it('are those of /etc/passwd, the first one of each id', () => {
    const text = 'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\nother:x:33:33:::\n';
    expect([...parsePasswd(text)]).toEqual([
      [0, 'root'],
      [33, 'www-data'],
    ]);
  });

  it('never make another user look like root, and are nothing but names', () => {
    const text = 'root:x:1000:0:::\n\u001b[2J:x:5:5:::\na b:x:6:6:::\nx:x:-1:0:::\nx:x:7e1:0:::\nshort\n::::\n';
    expect([...parsePasswd(`${text}${'n'.repeat(5000)}:x:8:8\n`)]).toEqual([]);
  });

  it('are bounded', () => {
    const text = Array.from({ length: 10_000 }, (_, id) => `u${id}:x:${id}:0`).join('\n');
    expect(parsePasswd(text).size).toBe(2_000);
  });

  it('are those of ids inside the container', () => {
    expect(parseIdMap('         0     100000      65536\n')).toEqual([[0, 100_000, 65_536]]);
    expect(parseIdMap('garbage\n1 2\n')).toEqual([]);
  });
});

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Fan } from './fanotify.ts';
import { maskOf } from './file-operation.ts';
import { loadWatchList, parseWatchList } from './watch-list.ts';

const shipped = loadWatchList(join(import.meta.dirname, 'watched.yaml'));

describe('the shipped list', () => {
  it('says why a path is watched', () => {
    expect(shipped.fileEntry('/etc/shadow')).toMatchObject({ category: 'credential', kind: 'file' });
    expect(shipped.fileEntry('/etc/ssh/ssh_host_ed25519_key')).toMatchObject({ category: 'credential' });
    expect(shipped.fileEntry('/home/bob/.aws/credentials')).toMatchObject({ category: 'cloud-credential' });
    expect(shipped.fileEntry('/etc/ssh/ssh_host_ed25519_key.pub')).toBeUndefined();
    expect(shipped.fileEntry('/home/bob/more/.aws/credentials')).toBeUndefined();
    expect(shipped.fileEntry('/etc/hosts')).toBeUndefined();
  });

  it('asks nothing of a busy directory that ordinary reading and writing of devices would answer', () => {
    const device = shipped.patterns.find(({ pattern }) => pattern === '/dev');
    const mask = maskOf(device?.entry.operations ?? [], 'directory');
    expect(mask & (Fan.open | Fan.access | Fan.modify | Fan.closeWrite)).toBe(0);
    expect(mask & Fan.create).toBe(Fan.create);
  });
});

describe('a list with mistakes', () => {
  const refusalOf = (text: string): string => {
    try {
      parseWatchList(text, 'list.yaml');
      return 'accepted';
    } catch (error) {
      expect(error).toMatchObject({ code: 'WATCHED_FILES_INVALID' });
      return (error as Error).message;
    }
  };
  const entry = (fields: string): string => `watched:\n  - category: x\n    why: y\n    operations: [read]\n${fields}`;

  it.each([
    ['syntax', 'watched: [', 'list.yaml:1'],
    ['an unknown operation', 'watched:\n  - { category: x, why: y, files: [/a], operations: [look] }', 'list.yaml:2:'],
    ['a relative path', entry('    files: [etc/shadow]\n'), 'must be an absolute path'],
    ['a way upwards', entry('    files: [/etc/../shadow]\n'), 'must be an absolute path'],
    ['both files and directories', entry('    files: [/a]\n    directories: [/b]\n'), 'either files or directories'],
    ['neither', entry(''), 'either files or directories'],
    ['an unknown field', entry('    files: [/a]\n    maybe: true\n'), 'maybe'],
    ['a text', 'hello', 'list.yaml:1'],
  ])('is refused: %s', (_what, text, reason) => {
    expect(refusalOf(text)).toContain(reason);
  });

  it('is named when it cannot be read', () => {
    expect(() => loadWatchList('/nonexistent/list.yaml')).toThrow(/\/nonexistent\/list\.yaml cannot be read/);
  });

  it('may be empty', () => {
    expect(parseWatchList('watched: []', 'list.yaml').patterns).toEqual([]);
  });
});

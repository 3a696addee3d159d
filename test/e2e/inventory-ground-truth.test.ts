import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInventory } from '../../agent/inventory/inventory.ts';
import type { Inventory } from '../../common/inventory.ts';
import { debootstrapped, type MountedOverlay, mountOverlay } from '../support/debootstrapped.ts';

const maxArguments = 500;

function inventoryOf(layers: readonly string[]): Promise<Inventory> {
  return runInventory({ layers: layers.map((directory) => ({ directory, digest: '' })), cpuShare: 1 });
}

function ownersOf({ files, packages }: Inventory): Map<string, string[]> {
  const named = files.map(({ path, owners }): [string, string[]] => [
    path,
    owners.map((at) => packages[at]?.name ?? ''),
  ]);
  return new Map(named.map(([path, names]) => [path, [...new Set(names)].sort()]));
}

describe('the inventory of a Debian image', () => {
  let overlay: MountedOverlay;
  let inventory: Inventory;

  beforeAll(async () => {
    overlay = await mountOverlay(await debootstrapped());
    // What a second layer may do to the first: divert, replace, remove, empty and make anew.
    await overlay.inside('dpkg-divert', '--local', '--no-rename', '--divert', '/bin/ls.real', '--add', '/bin/ls');
    await overlay.inside('mv', '/usr/bin/ls', '/usr/bin/ls.real');
    await overlay.inside('sh', '-c', 'printf "#!/bin/sh" > /usr/bin/ls; rm /usr/bin/who; rm -r /usr/share/doc/bash');
    await overlay.inside('sh', '-c', 'rm -r /usr/lib/udev; mkdir -p /usr/lib/udev; echo own > /usr/lib/udev/own');
    await overlay.inside('dpkg', '--purge', '--force-all', 'tzdata');
    inventory = await inventoryOf(overlay.layers);
  });
  afterAll(() => overlay?.unmount());

  it('lists the files that the kernel shows, and no other', () => {
    const shown = execFileSync(
      'find',
      ['.', '-xdev', '(', '-type', 'f', '-o', '-type', 'l', ')', '-printf', '/%P\\0'],
      {
        ...{ cwd: overlay.root, encoding: 'utf8', maxBuffer: 1 << 26 },
      },
    );
    expect(inventory.problems).toEqual([]);
    expect(inventory.files.map(({ path }) => path)).toEqual(shown.split('\0').slice(0, -1).sort());
  });

  it('has the packages that dpkg has', async () => {
    const listed = await overlay.inside(
      'dpkg-query',
      '-W',
      '-f',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own form
      '${db:Status-Status} ${Package} ${Version} ${Architecture}\\n',
    );
    const installed = listed.split('\n').filter((line) => line.startsWith('installed '));
    const found = inventory.packages.map(
      ({ name, version, architecture }) => `installed ${name} ${version} ${architecture}`,
    );
    expect(found.sort()).toEqual(installed.sort());
    expect(found.some((line) => line.includes(' tzdata '))).toBe(false);
    expect(new Set(inventory.packages.map(({ layer }) => layer))).toEqual(new Set([0]));
  });

  it('names the owner that dpkg -S names, of every file under /usr/bin and /usr/lib', async () => {
    const owners = ownersOf(inventory);
    const paths = [...owners.keys()].filter((path) => /^\/usr\/(bin|lib)\//.test(path));
    const expected = await dpkgOwners(overlay, paths);
    expect(paths.length).toBeGreaterThan(1_000);
    expect(Object.fromEntries(paths.map((path) => [path, owners.get(path)]))).toEqual(Object.fromEntries(expected));
    expect(owners.get('/usr/bin/ls')).toEqual([]);
    expect(owners.get('/usr/bin/ls.real')).toEqual(['coreutils']);
  });
});

/** What `dpkg -S` answers of each path in any spelling that merged /usr allows, moved to where diversions have put the files. */
async function dpkgOwners(overlay: MountedOverlay, paths: readonly string[]): Promise<Map<string, string[]>> {
  const diversions = await diversionsOf(overlay);
  const spellings = (path: string): string[] => [path, path.slice('/usr'.length)];
  const lists = await search(
    overlay,
    [...paths, ...diversions.keys()].flatMap((path) => spellings(path)),
  );
  const listed = (path: string): string[] => spellings(path).flatMap((each) => lists.get(each) ?? []);
  return new Map(
    paths.map((path) => {
      const diversion = diversions.get(path);
      const own = listed(path).filter((name) => diversion === undefined || name === diversion.by);
      const moved = [...diversions].filter(([, { to }]) => to === path);
      const others = moved.flatMap(([from, { by }]) => listed(from).filter((name) => name !== by));
      return [path, [...new Set([...own, ...others])].sort()];
    }),
  );
}

/** By canonical path. */
async function diversionsOf(overlay: MountedOverlay): Promise<Map<string, { to: string; by: string }>> {
  const canonical = (path = ''): string => path.replace(/^\/(bin|lib)\//, '/usr/$1/');
  const found = new Map<string, { to: string; by: string }>();
  for (const line of (await overlay.inside('dpkg-divert', '--list')).split('\n')) {
    const [, from, to, by = ''] = /^(?:local )?diversion of (\S+) to (\S+)(?: by (\S+))?$/.exec(line) ?? [];
    if (from !== undefined && /^(\/usr)?\/(bin|lib)\//.test(from))
      found.set(canonical(from), { to: canonical(to), by });
  }
  return found;
}

/** Packages by the path as it was asked. dpkg fails when it knows one of them not, which is an answer as well. */
async function search(overlay: MountedOverlay, paths: readonly string[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (let at = 0; at < paths.length; at += maxArguments) {
    const patterns = paths.slice(at, at + maxArguments).map((path) => path.replace(/[[\]*?\\]/g, '\\$&'));
    const answer = await overlay.inside('sh', '-c', 'dpkg-query -S "$@" 2>/dev/null || [ $? = 1 ]', 'sh', ...patterns);
    for (const line of answer.split('\n')) {
      const [, names, path] = /^(?!diversion |local diversion )(.+?): (\/.*)$/.exec(line) ?? [];
      if (names === undefined || path === undefined) continue;
      const plain = names.split(', ').map((name) => name.split(':')[0] ?? '');
      found.set(path, [...(found.get(path) ?? []), ...plain]);
    }
  }
  return found;
}

describe('the inventory of a root that rpm installed', () => {
  const root = mkdtempSync(join(tmpdir(), 'tallyman-rpm-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const rpm = (...args: string[]): string =>
    execFileSync(
      'rpm',
      ['--root', root, '--define', '_db_backend sqlite', '--define', '_dbpath /var/lib/rpm', ...args],
      {
        ...{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
      },
    );

  it('names the packages of rpm -qa and the owners of rpm -qf', async () => {
    execFileSync('scripts/make-fixtures/rpm-databases.sh', [root], { stdio: 'ignore' });
    const inventory = await inventoryOf([root]);
    expect(inventory.problems).toEqual([]);
    const found = inventory.packages.map(({ name, version }) => `${name} ${version}`).sort();
    const told = rpm('-qa', '--qf', '%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\\n');
    expect(found).toEqual(told.trimEnd().split('\n').sort());
    const owners = [...ownersOf(inventory)].filter(([path]) => !path.startsWith('/var/lib/rpm/'));
    for (const [path, names] of owners) {
      const answer = rpm('-qf', '--qf', '%{NAME}\\n', path).trimEnd().split('\n').sort();
      expect([path, names]).toEqual([path, answer]);
    }
    expect(owners.length).toBeGreaterThan(100);
    expect(existsSync(join(root, 'usr/bin/alpha'))).toBe(true);
  });
});

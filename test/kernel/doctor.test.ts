import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Check, Verdict } from '../../cli/doctor/check.ts';
import { withLongHeader } from '../support/long-btf.ts';

/** What the doctor says about this kernel when something of it is taken away: really, in a mount namespace or by setpriv. */

const kernelBtf = '/sys/kernel/btf/vmlinux';
let folder: string;
let healthy: Verdict;

function doctor(...command: string[]): Verdict {
  const [program = '', ...args] = [...command, './tallyman', 'doctor', '--json'];
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  const verdict = JSON.parse(stdout) as Verdict;
  expect(status).toBe(verdict.canWatch ? 0 : 1);
  return verdict;
}

/** In a mount namespace of its own, in which `prepare` is run first. */
function doctorAfter(prepare: string): Verdict {
  return doctor('unshare', '--mount', 'sh', '-c', `${prepare} && exec "$@"`, 'sh');
}

function withoutCapabilities(...names: string[]): Verdict {
  const change = names.map((name) => `-${name}`).join(',');
  return doctor('setpriv', `--bounding-set=${change}`, `--inh-caps=${change}`);
}

function withBtf(bytes: Uint8Array): Verdict {
  const path = join(folder, 'btf');
  writeFileSync(path, bytes);
  return doctorAfter(`mount --bind ${path} ${kernelBtf}`);
}

function find(verdict: Verdict, name: string): Check | undefined {
  return verdict.checks.find((check) => check.name === name);
}

function hooksOf(verdict: Verdict): string[] {
  return verdict.checks.filter(({ name }) => name.startsWith('hook ')).map(({ name, found }) => `${name}: ${found}`);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallyman-doctor-'));
  healthy = doctor();
  expect(healthy.canWatch).toBe(true);
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('type information of the kernel', () => {
  it.each([32, 64])('has a header of %i bytes: every hook is attached as before', (headerBytes) => {
    const verdict = withBtf(withLongHeader(readFileSync(kernelBtf), headerBytes));
    expect(find(verdict, 'BTF')).toMatchObject({ state: 'good' });
    expect(hooksOf(verdict)).toEqual(hooksOf(healthy));
    expect(hooksOf(verdict)).not.toEqual([]);
  });
});

describe('what a kernel or host may lack', () => {
  it('says so when the kernel has no type information, or it is cut', () => {
    expect(find(doctorAfter('mount -t tmpfs none /sys/kernel/btf'), 'BTF')).toMatchObject({
      state: 'blocked',
      found: expect.stringContaining(kernelBtf),
      todo: expect.stringContaining('CONFIG_DEBUG_INFO_BTF'),
    });
    const cut = withBtf(readFileSync(kernelBtf).subarray(0, 100_000));
    expect(cut.canWatch).toBe(false);
  });

  it('says so when no cgroup v2 hierarchy is mounted', () => {
    const umountAll = 'while read -r _ path type _; do [ "$type" != cgroup2 ] || umount -l "$path"; done </proc/mounts';
    expect(find(doctorAfter(umountAll), 'cgroups')).toMatchObject({
      state: 'blocked',
      todo: expect.stringContaining('mount -t cgroup2'),
    });
  });
});

describe('rights that are missing', () => {
  it.each([
    ['bpf', 'CAP_BPF'],
    ['perfmon', 'CAP_PERFMON'],
    ['sys_ptrace', 'CAP_SYS_PTRACE'],
  ])('%s: containers cannot be watched', (name, capability) => {
    const verdict = withoutCapabilities(name, 'sys_admin');
    expect(verdict.canWatch).toBe(false);
    expect(find(verdict, 'rights')).toMatchObject({ state: 'blocked', found: `missing ${capability}, CAP_SYS_ADMIN` });
  });

  it('net_admin: the hooks that need it are told, the others work', () => {
    const verdict = withoutCapabilities('net_admin', 'sys_admin');
    expect(verdict.canWatch).toBe(true);
    expect(find(verdict, 'rights')).toMatchObject({ state: 'weaker', found: 'missing CAP_SYS_ADMIN, CAP_NET_ADMIN' });
    expect(find(verdict, 'hook connect4')).toMatchObject({
      state: 'weaker',
      ways: [{ attachPoint: 'cgroup/connect4', state: 'refused', reason: expect.stringContaining('not permitted') }],
      follows: expect.stringContaining('IPv4'),
      todo: expect.stringContaining('CAP_NET_ADMIN'),
    });
    expect(find(verdict, 'hook exec')).toMatchObject({ state: 'good' });
  });

  it('sys_admin: files cannot be watched, everything else works', () => {
    const verdict = withoutCapabilities('sys_admin');
    expect(verdict.canWatch).toBe(true);
    expect(find(verdict, 'rights')).toMatchObject({ state: 'weaker', found: 'missing CAP_SYS_ADMIN' });
    expect(find(verdict, 'watched files')).toMatchObject({ state: 'weaker', found: expect.stringContaining('EPERM') });
    expect(hooksOf(verdict)).toEqual(hooksOf(healthy));
  });

  it('what the deployment grants is enough for every hook', () => {
    const granted = '-all,+bpf,+perfmon,+sys_admin,+net_admin,+sys_ptrace,+dac_read_search';
    const verdict = doctor('setpriv', `--bounding-set=${granted}`, `--inh-caps=${granted}`);
    expect(find(verdict, 'rights')).toMatchObject({ state: 'good' });
    expect(find(verdict, 'watched files')).toMatchObject({ state: 'good' });
    expect(hooksOf(verdict)).toEqual(hooksOf(healthy));
  });
});

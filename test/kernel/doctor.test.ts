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

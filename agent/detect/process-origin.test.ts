import { describe, expect, it } from 'vitest';
import { ancestorsOf } from './ancestors.ts';
import { isFromEntrypoint, packageManagerOf } from './process-origin.ts';
import type { ProcessExample } from './rule-example.ts';
import { testExecution } from './test-events.ts';

const sh = { path: '/usr/bin/dash' };
const script: ProcessExample = { executable: sh, argv: ['sh', '/entrypoint.sh'], entry: 'container-init' };
const tool = (path: string, parent: ProcessExample): ProcessExample => ({ executable: { path }, parent });

function managerOf(example: ProcessExample): string {
  const execution = testExecution(example);
  return packageManagerOf(execution, ancestorsOf(execution));
}

function fromEntrypoint(example: ProcessExample): boolean {
  const execution = testExecution(example);
  return isFromEntrypoint(execution, ancestorsOf(execution));
}

describe('the package manager behind a process', () => {
  it('is itself, or whoever started it', () => {
    const dpkg: ProcessExample = { executable: { path: '/usr/bin/dpkg' }, parent: script };
    expect(managerOf(dpkg)).toBe('dpkg');
    expect(managerOf(tool('/usr/bin/chmod', { executable: sh, parent: dpkg }))).toBe('dpkg');
    expect(managerOf({ executable: { path: '/bin/busybox' }, argv: ['apk', 'add', 'x'] })).toBe('apk');
    expect(managerOf(script)).toBe('');
  });

  it('is never a program that is only called like one', () => {
    expect(managerOf({ executable: { path: '/tmp/dpkg', layer: 'writable' } })).toBe('');
    expect(managerOf({ executable: { path: '/usr/bin/app' }, argv: ['dpkg'], comm: 'dpkg' })).toBe('');
    expect(managerOf(tool('/usr/bin/cp', { executable: { path: '/dev/shm/apk', layer: 'tmpfs' } }))).toBe('');
  });
});

describe('what an image does to set itself up', () => {
  it('is its first shell, and shells and tools below it', () => {
    expect(fromEntrypoint(script)).toBe(true);
    expect(fromEntrypoint(tool('/usr/bin/cp', script))).toBe(true);
    const inner: ProcessExample = { executable: sh, argv: ['sh', '/setup.sh'], parent: script };
    expect(fromEntrypoint(tool('/usr/bin/sed', inner))).toBe(true);
  });

  it('may be started by an init of the image or of the runtime', () => {
    const init = (layer: 'mount' | 'tmpfs'): ProcessExample => ({
      executable: sh,
      argv: ['sh', '-ec', 'cp /a /b'],
      parent: { executable: { path: '/sbin/docker-init', layer }, entry: 'container-init' },
    });
    expect(fromEntrypoint(init('mount'))).toBe(true);
    expect(fromEntrypoint(init('tmpfs'))).toBe(false);
  });

  it('is not what a server starts, even where that was started by a shell', () => {
    const server: ProcessExample = { executable: { path: '/usr/bin/node' }, parent: script };
    expect(fromEntrypoint(server)).toBe(false);
    expect(fromEntrypoint(tool('/usr/bin/cp', server))).toBe(false);
    expect(fromEntrypoint({ executable: sh, argv: ['sh', '-c', 'id'], parent: server })).toBe(false);
  });

  it('is not what somebody types, nor what was put in from outside, nor what is not of the image', () => {
    expect(fromEntrypoint({ ...script, hasTty: true })).toBe(false);
    expect(fromEntrypoint({ executable: sh, argv: ['sh', '-c', 'id'], entry: 'exec-session' })).toBe(false);
    expect(fromEntrypoint({ executable: { path: '/tmp/cp', layer: 'writable' }, parent: script })).toBe(false);
    expect(fromEntrypoint(tool('/usr/bin/cp', { ...script, executable: { ...sh, layer: 'writable' } }))).toBe(false);
  });

  it('is not what comes through a pipe', () => {
    const piped: ProcessExample = { executable: sh, argv: ['sh'], entry: 'container-init' };
    expect(fromEntrypoint(piped)).toBe(false);
    expect(fromEntrypoint(tool('/usr/bin/cp', piped))).toBe(false);
    expect(fromEntrypoint(tool('/usr/bin/cp', { executable: sh, argv: ['bash'], parent: script }))).toBe(false);
  });

  it('is unknown where ancestors are missing', () => {
    expect(fromEntrypoint({ executable: sh, argv: ['sh', '/entrypoint.sh'] })).toBe(false);
  });
});

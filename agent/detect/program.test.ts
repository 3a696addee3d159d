import { describe, expect, it } from 'vitest';
import { resolveProgram } from './program.ts';

function resolve(path: string, argv: string[], filename = path) {
  return resolveProgram({ executable: { path }, argv, filename });
}

describe('resolveProgram', () => {
  it.each([
    ['/usr/bin/bash', ['bash'], 'bash'],
    ['/bin/busybox', ['sh'], 'sh'],
    ['/bin/busybox', ['-sh'], 'sh'],
    ['/bin/busybox', ['/bin/sh', '-c', 'id'], 'sh'],
    ['/bin/busybox', ['/bin/busybox', 'ash', '-l'], 'ash'],
    ['/bin/busybox', ['busybox', 'busybox', 'nc'], 'nc'],
    ['/bin/busybox', ['busybox', '--list'], 'busybox'],
    ['/bin/busybox', ['busybox'], 'busybox'],
    ['/bin/busybox', [], 'busybox'],
    ['/bin/busybox', [''], 'busybox'],
    ['/usr/bin/toybox', ['toybox', 'netcat'], 'netcat'],
    ['memfd:x', ['bash'], 'memfd:x'],
    ['', ['bash'], ''],
  ])('%s %j is %s', (path, argv, name) => {
    expect(resolve(path, argv).name).toBe(name);
  });

  it('goes by the executable, not by what a process calls itself', () => {
    expect(resolve('/usr/bin/bash', ['nginx: worker']).isShell).toBe(true);
    expect(resolve('/usr/sbin/nginx', ['bash']).isShell).toBe(false);
  });

  it('knows interpreters by name without version', () => {
    for (const name of ['python3.11', 'perl5.36.0', 'php8.2', 'ruby3.1', 'lua5.4', 'node', 'python']) {
      expect(resolve(`/usr/bin/${name}`, [name]), name).toMatchObject({ isInterpreter: true, isShell: false });
    }
    for (const name of ['pythonista', '3.11', '7z', 'x'])
      expect(resolve(`/usr/bin/${name}`, [name]).isInterpreter).toBe(false);
  });

  it.each([
    [
      'a script by "#!"',
      '/usr/bin/python3.9',
      ['/usr/bin/python3', '/usr/bin/dnf', 'install'],
      '/usr/bin/dnf',
      '/usr/bin/dnf',
    ],
    [
      'with an option of "#!"',
      '/usr/bin/python3.9',
      ['/usr/bin/python3', '-s', '/usr/bin/dnf'],
      '/usr/bin/dnf',
      '/usr/bin/dnf',
    ],
    ['a script as argument', '/usr/bin/dash', ['sh', 'run.sh'], '/bin/sh', 'run.sh'],
    ['a script of busybox', '/bin/busybox', ['busybox', 'sh', '/run.sh'], '/bin/busybox', '/run.sh'],
    ['a command, no script', '/usr/bin/dash', ['sh', '-c', 'id'], '/bin/sh', ''],
    ['no arguments', '/usr/bin/dash', ['sh'], '/bin/sh', ''],
    ['a program that is no interpreter', '/usr/bin/ls', ['ls', '/tmp'], '/bin/ls', ''],
  ])('finds %s', (_, path, argv, filename, script) => {
    expect(resolve(path, argv, filename).script).toBe(script);
  });

  it('stays a shell when a link with a harmless name is passed off as its script', () => {
    expect(resolve('/usr/bin/bash', ['x', '/tmp/ls'], '/tmp/ls')).toMatchObject({ name: 'bash', isShell: true });
  });
});

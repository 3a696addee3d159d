import { describe, expect, it } from 'vitest';
import type { ProcessExample } from './rule-example.ts';
import { sessionKindOf } from './session-kind.ts';
import { testExecution } from './test-events.ts';

const shellCheck = ['/bin/sh', '-c', 'curl -f localhost'];
const kind = (example: ProcessExample, command: readonly string[] = shellCheck) =>
  sessionKindOf(testExecution(example), command);
const check: ProcessExample = { executable: { path: '/usr/bin/dash' }, argv: shellCheck, entry: 'exec-session' };

describe('the kind of a session', () => {
  it('is that of the health check for exactly its command, and for what that starts', () => {
    expect(kind(check)).toBe('health-check');
    expect(kind({ executable: { path: '/usr/bin/curl' }, parent: check })).toBe('health-check');
  });

  it.each<[string, ProcessExample]>([
    ['another argument', { ...check, argv: [...shellCheck, 'x'] }],
    ['another command', { ...check, argv: ['/bin/sh', '-c', 'curl -f localhost; id'] }],
    ['arguments that were cut', { ...check, argvTruncated: true }],
    ['another name', { ...check, argv: ['sh', '-c', 'curl -f localhost'] }],
  ])('is unknown for %s', (_name, example) => {
    expect(kind(example)).toBe('unknown');
  });

  it('is an operator’s with a terminal, whatever the command', () => {
    expect(kind({ ...check, hasTty: true })).toBe('operator');
  });

  it('is none for what the container does itself', () => {
    expect(kind({ ...check, entry: 'internal', parent: { entry: 'container-init' } })).toBe('');
    expect(kind({ ...check, entry: 'container-init' })).toBe('');
  });

  it('is found for scripts, which the kernel runs by their interpreter', () => {
    const script = {
      ...{ executable: { path: '/usr/bin/dash' }, filename: '/usr/local/bin/check.sh', interpreter: '/bin/sh' },
      ...{ argv: ['/bin/sh', '/usr/local/bin/check.sh', '--fast'], entry: 'exec-session' as const },
    };
    expect(kind(script, ['check.sh', '--fast'])).toBe('health-check');
    expect(kind(script, ['check.sh'])).toBe('unknown');
    expect(kind(script, ['other.sh', '--fast'])).toBe('unknown');
    expect(kind({ ...script, argv: ['/bin/sh', '/tmp/evil', '--fast'] }, ['check.sh', '--fast'])).toBe('unknown');
  });

  it('is never a health check’s where there is none', () => {
    expect(kind({ argv: [], entry: 'exec-session' }, [])).toBe('unknown');
  });
});

import { describe, expect, it } from 'vitest';
import { factsOfExample } from './example-facts.ts';
import { compileTemplate } from './rule-template.ts';
import { scopeOfEvent } from './scope.ts';
import { type ExampleWithoutKind, execEvent } from './test-events.ts';

function sentence(text: string, example: ExampleWithoutKind = {}): string {
  const result = compileTemplate('exec', text);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.template.render(scopeOfEvent(execEvent(example), factsOfExample(example)));
}

describe('sentences', () => {
  it('leaves out what is enclosed where a value is absent or empty', () => {
    const text = 'It ran[[ {process.script}]][[ on {process.tty} as {process.program}]].';
    expect(sentence(text)).toBe('It ran.');
    expect(sentence(text, { process: { hasTty: true } })).toBe('It ran on pts/0 as app.');
    expect(sentence('{process.cwd}{{[x]}}', { process: { cwd: '/srv' } })).toBe('/srv{[x]}');
  });

  it.each([
    ['a [[b', 'unpaired "[["'],
    ['a ]] b', 'unpaired "]]"'],
    ['[[a [[b]] c]]', 'unpaired "[["'],
    ['a {b', 'unpaired "{"'],
    ['{process.nme}', 'unknown field "nme" in "process.nme"'],
    ['{process}', '"process" is an object (Process), not a value'],
  ])('refuses %s', (text, reason) => {
    const result = compileTemplate('exec', text);
    expect(result.ok ? [] : result.problems.map((problem) => problem.reason)).toContain(reason);
  });

  it.each([
    [{ process: { executable: { path: '/usr/sbin/nginx' }, credentials: { euid: 33 } } }, 'nginx (user 33)'],
    [{ container: { users: { '0': 'admin' } } }, 'app (admin)'],
    [
      {
        process: {
          executable: { path: '/usr/bin/python3.12' },
          argv: ['python3', '/app/main.py'],
          credentials: { euid: 7 },
        },
        container: { users: { '7': 'shop' } },
      },
      'python3.12 main.py (shop)',
    ],
  ])('says who it was: %j', (example, who) => {
    expect(sentence('{process.who}', example)).toBe(who);
  });

  it('says who started it, and along which line', () => {
    const init = { executable: { path: '/usr/bin/tini' } };
    const node = { executable: { path: '/usr/bin/node' }, argv: ['node', 'server.js'], parent: init };
    const text = '{process.startedBy}: {process.lineage}';
    expect(sentence(text, { process: { parent: node } })).toBe('node server.js (root): tini → node → app');
    expect(sentence(text, { process: { entry: 'container-init' } })).toBe('the container runtime: app');
    expect(sentence(text, { process: { entry: 'exec-session' } })).toBe('a session from outside the container: app');
    expect(sentence(text)).toBe('an unknown process: app');
    let deep: NonNullable<ExampleWithoutKind['process']> = init;
    for (let depth = 0; depth < 20; depth++) deep = { executable: { path: `/bin/p${depth}` }, parent: deep };
    expect(sentence('{process.lineage}', { process: deep })).toBe('tini → … → p14 → p15 → p16 → p17 → p18 → p19');
  });

  it.each([
    [{ layer: 'image' as const }, 'is part of the image'],
    [{ layer: 'mount' as const }, 'was mounted into the container'],
    [{ layer: 'memfd' as const, unlinked: true }, 'exists in memory only'],
    [{ layer: 'unknown' as const }, 'is of unknown origin'],
    [{ layer: 'tmpfs' as const, unlinked: true }, 'was written at run time, deleted'],
    [{ layer: 'writable' as const, changedSecondsBefore: 200 }, 'was written at run time 3 min before'],
    [
      { path: '/tmp/x', layer: 'writable' as const, changedSecondsBefore: 0, writer: { credentials: { euid: 33 } } },
      'was written at run time by app (user 33) less than a second before',
    ],
  ])('says where a file comes from: %j', (executable, origin) => {
    expect(sentence('{process.executable.origin}', { process: { executable } })).toBe(origin);
  });
});

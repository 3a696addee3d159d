import { describe, expect, it } from 'vitest';
import { fieldText, readPath, resolvePath } from './field-path.ts';
import { compileTemplate } from './rule-template.ts';
import { scopeOfContainer, scopeOfEvent } from './scope.ts';
import { execEvent, testContainer } from './test-events.ts';

describe('paths', () => {
  it('resolve to a type, or say why not', () => {
    expect(resolvePath('exec', 'process.parent.executable.path')).toMatchObject({ ok: true, path: { type: 'string' } });
    expect(resolvePath('posture', 'process.pid')).toMatchObject({
      ok: false,
      reason: 'unknown variable "process" for posture events',
    });
    expect(resolvePath('exec', 'process.pid.x')).toMatchObject({ ok: false, hint: 'int has no fields' });
    expect(resolvePath('exec', 'constructor')).toMatchObject({ ok: false });
    expect(resolvePath('exec', 'process.constructor')).toMatchObject({ ok: false });
    expect(resolvePath('exec', '')).toMatchObject({ ok: false });
  });

  it('read nothing from prototypes', () => {
    const scope = scopeOfContainer(testContainer({ labels: { team: 'shop' } }));
    expect(readPath(scope, ['container', 'labels', 'team'])).toBe('shop');
    for (const name of ['constructor', '__proto__', 'toString'])
      expect(readPath(scope, ['container', 'labels', name])).toBeUndefined();
  });
});

it('fieldText cuts long values and shows lists and labels', () => {
  expect(fieldText('a'.repeat(10), 4)).toBe('aaa…');
  expect(fieldText(['a', 'b'], 100)).toBe('a, b');
  expect(fieldText([], 100)).toBe('');
  expect(fieldText(new Map([['team', 'shop']]), 100)).toBe('{"team":"shop"}');
  expect(fieldText(0n, 100)).toBe('0');
  expect(fieldText(undefined, 100)).toBeUndefined();
});

it('templates keep braces and say what is not known', () => {
  const result = compileTemplate('exec', '{{{process.program}}} {process.parent.program} {container.labels.x}');
  if (!result.ok) throw new Error('refused');
  const scope = scopeOfEvent(execEvent({ process: { executable: { path: '/bin/ls' } } }));
  expect(result.template.render(scope)).toBe('{ls} (unknown) (unknown)');
});

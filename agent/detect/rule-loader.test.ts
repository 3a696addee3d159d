import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadRules, parseRuleText } from './rule-loader.ts';
import { RulesInvalidError } from './rule-problem.ts';
import { testRule } from './rule-test.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'tallyman-rules-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const valid = [
  'id: test-rule',
  'title: A test',
  'description: It tests.',
  'severity: low',
  'on: exec',
  `when: process.isShell`,
  `summary: "{process.program} ran"`,
  'remediation: None.',
  '',
].join('\n');

function write(name: string, text: string): string {
  const file = path.join(directory, name);
  writeFileSync(file, text);
  return file;
}

function problemsOf(action: () => unknown): string[] {
  try {
    action();
  } catch (error) {
    if (!(error instanceof RulesInvalidError)) throw error;
    expect(error.code).toBe('RULES_INVALID');
    return error.problems.map(
      ({ line, column, reason, hint }) => `${line}:${column} ${reason}${hint === undefined ? '' : ` (${hint})`}`,
    );
  }
  return [];
}

function changed(from: string, to: string): string {
  expect(valid).toContain(from);
  return valid.replace(from, to);
}

describe('loadRules', () => {
  it('reads yaml files only, in the order of their names', () => {
    write('b.yaml', changed('test-rule', 'rule-b'));
    write('a.yml', changed('test-rule', 'rule-a'));
    write('README.md', 'no rule');
    write('.hidden.yaml', 'no rule');
    symlinkSync(path.join(directory, 'a.yml'), path.join(directory, '..data'));
    expect(loadRules([directory]).map((rule) => rule.id)).toEqual(['rule-a', 'rule-b']);
  });

  it('gives a rule the version of its text', () => {
    const [a, b] = [parseRuleText(valid, 'x'), parseRuleText(`${valid}\n`, 'x')];
    expect(a.version).toMatch(/^[0-9a-f]{12}$/);
    expect(a.version).not.toBe(b.version);
  });

  it.each([
    [
      'an unknown field',
      changed('severity:', 'severty:'),
      ['1:1 severity', '4:1 unknown field "severty" (did you mean "severity"?)'],
    ],
    ['a wrong type', changed('severity: low', 'severity: 7'), ['4:11 severity']],
    ['a value that is none', changed('severity: low', 'severity: hihg'), ['4:11 severity']],
    ['a wrong kind of event', changed('on: exec', 'on: exce'), ['5:5 on']],
    [
      'an unknown CEL field',
      changed('process.isShell', 'process.isShel'),
      ['6:15 unknown field "isShel" for exec events (did you mean "isShell"?)'],
    ],
    [
      'an unknown variable',
      changed('process.isShell', 'proces.isShell'),
      ['6:7 unknown variable "proces" for exec events (did you mean "process"?)'],
    ],
    [
      'a field of another kind of event',
      changed('process.isShell', 'event.granted'),
      ['6:13 unknown field "granted" for exec events (it is a field of capability events)'],
    ],
    [
      'a field of the baseline of another kind of event',
      changed('process.isShell', "baseline.listen == 'unexpected'"),
      ['6:16 unknown field "listen" for exec events (it is a field of tcp and bind events)'],
    ],
    [
      'what a baseline never says',
      changed('process.isShell', "baseline.executable == 'unexpeced'"),
      ['6:30 "baseline.executable" is never "unexpeced" for exec events (did you mean "unexpected"?)'],
    ],
    [
      'a baseline that is looked at unasked',
      changed('process.isShell', "baseline.executable == 'unexpected'"),
      ['6:7 it reads "baseline.executable", and does not say that it looks at a baseline (add "baseline: required"'],
    ],
    [
      'types that do not compare',
      changed('process.isShell', "process.pid == '1'"),
      ['6:7 CEL: no such overload: int == string'],
    ],
    [
      'a condition that is none',
      changed('process.isShell', 'process.pid'),
      ['6:7 the condition must be true or false, this one is int'],
    ],
    [
      'a syntax error in a block',
      changed('process.isShell', '|-\n  process.isShell &&\n  process.hasTty &&'),
      ['8:20 CEL: Unexpected token'],
    ],
    [
      'an error in a folded block',
      changed('process.isShell', '>-\n    process.isShell &&\n    process.hasTy'),
      ['8:13 unknown field "hasTy"'],
    ],
    ['an error in a quoted text', changed('process.isShell', '"process.hasTy"'), ['6:16 unknown field "hasTy"']],
    [
      'a placeholder that is unknown',
      changed('{process.program}', '{process.prog}'),
      ['7:12 unknown field "prog" in "process.prog" (did you mean "program"?)'],
    ],
    [
      'a placeholder that is an object',
      changed('{process.program}', '{process.executable}'),
      ['7:12 "process.executable" is an object'],
    ],
    ['an unpaired brace', changed('{process.program}', 'x} {y'), ['7:12 unpaired "}"', '7:14 unpaired "{"']],
    ['a key that is unknown', `${valid}key: [process.program, process.nam]\n`, ['9:24 unknown field "nam"']],
    ['a baseline that is none', `${valid}baseline: maybe\n`, ['9:11 baseline']],
    ['YAML that is none', `${valid}\tkey: [\n`, ['9:1']],
    ['a field given twice', `${valid}title: Another\n`, ['9:1 Map keys must be unique']],
    ['aliases', `${valid}key: &a [process.program]\nfalsePositives: *a\n`, ['1:1 aliases are not allowed']],
    ['two documents', `${valid}---\n${valid}`, ['9:1']],
    ['nothing', '', ['1:1 file']],
    ['a list', '- a\n', ['1:1 file']],
    [
      'a test of another kind',
      `${valid}tests:\n  - { name: x, match: true, on: connect }\n`,
      ['10:33 the rule is not about connect events'],
    ],
    [
      'a test with an unknown field',
      `${valid}tests:\n  - { name: x, match: true, process: { exe: x } }\n`,
      ['10:40 unknown field "exe"'],
    ],
    [
      'a capability that is none',
      `${valid}tests:\n  - { name: x, match: true, process: { capabilities: { effective: [CAP_X] } } }\n`,
      ['10:68 tests.0.process.capabilities.effective.0'],
    ],
  ])('refuses %s with its place', (_, text, expected) => {
    const problems = problemsOf(() => parseRuleText(text, 'rule.yaml'));
    for (const [index, start] of expected.entries())
      expect(problems[index]?.startsWith(start), problems.join('\n')).toBe(true);
    expect(problems.length).toBeGreaterThanOrEqual(expected.length);
  });

  it('hints at the value that was meant', () => {
    expect(problemsOf(() => parseRuleText(changed('severity: low', 'severity: critcal'), 'x'))[0]).toMatch(
      /did you mean "critical"/,
    );
  });

  it.each([
    [
      'fields and comparators differ in number',
      'fields: [process.program], comparators: ["==", in], values: [[a]]',
      /1 fields need as many comparators, not 2/,
    ],
    [
      'a tuple is too short',
      'fields: [process.program, process.cwd], comparators: ["==", "=="], values: [[a]]',
      /2 fields need as many values, not 1/,
    ],
    ['the value has another type', 'fields: [process.pid], comparators: ["=="], values: [[a]]', /must be a int/],
    ['a list without in', 'fields: [process.program], comparators: ["=="], values: [[[a, b]]]', /"==" needs one value/],
    ['in without a list', 'fields: [process.program], comparators: [in], values: [[a]]', /"in" needs a list/],
    [
      'a text comparator of a number',
      'fields: [process.pid], comparators: [startsWith], values: [["1"]]',
      /needs a text/,
    ],
    ['a list field', 'fields: [process.argv], comparators: ["=="], values: [[a]]', /no text, number or boolean/],
    ['an unknown field', 'fields: [process.nam], comparators: ["=="], values: [[a]]', /unknown field "nam"/],
    ['an unknown comparator', 'fields: [process.program], comparators: [like], values: [[a]]', /comparators/],
    ['a broken pattern', 'fields: [process.program], comparators: [matches], values: [["("]]', /not valid RE2/],
  ])('refuses an exception where %s', (_, exception, reason) => {
    const problems = problemsOf(() => parseRuleText(`${valid}exceptions:\n  - { name: x, ${exception} }\n`, 'x'));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(reason);
    expect(problems[0]).toMatch(/^10:/);
  });

  it('lists all problems of all files at once', () => {
    write('a.yaml', changed('severity: low', 'severity: 7'));
    write('b.yaml', changed('process.isShell', 'process.x').replace('{process.program}', '{process.y}'));
    write('c.yaml', valid);
    expect(problemsOf(() => loadRules([directory]))).toHaveLength(3);
    expect(() => loadRules([directory])).toThrow(/a\.yaml:4:11: .*\n.*b\.yaml:6:15: .*\n.*b\.yaml:7:/);
  });

  it('refuses an id that is taken, in any directory', () => {
    const other = path.join(directory, 'other');
    mkdirSync(other);
    const first = write('a.yaml', valid);
    writeFileSync(path.join(other, 'b.yaml'), `\n\n${valid}`);
    expect(problemsOf(() => loadRules([directory, other]))).toEqual([
      `3:5 id "test-rule" is taken by ${first} (choose another)`,
    ]);
  });

  it('says so when a directory is missing or holds no rules', () => {
    expect(problemsOf(() => loadRules([path.join(directory, 'none')]))[0]).toMatch(/cannot read the directory: ENOENT/);
    expect(problemsOf(() => loadRules([directory]))[0]).toMatch(/no rule files/);
  });

  it('refuses a file that is too large, unread, and what is no file or no text', () => {
    write('large.yaml', '#'.repeat(10 * 1024 * 1024));
    mkdirSync(path.join(directory, 'folder.yaml'));
    writeFileSync(path.join(directory, 'bytes.yaml'), Buffer.from([0x69, 0x64, 0x3a, 0xff, 0xfe]));
    symlinkSync('/nowhere/at/all', path.join(directory, 'dangling.yaml'));
    const problems = problemsOf(() => loadRules([directory])).join('\n');
    expect(problems).toMatch(/10485760 bytes are too many/);
    expect(problems).toMatch(/not a regular file/);
    expect(problems).toMatch(/not valid for encoding utf-8/);
    expect(problems).toMatch(/ENOENT/);
  });

  it('refuses what is nested too deeply', () => {
    expect(problemsOf(() => parseRuleText('['.repeat(100_000), 'x')).length).toBeGreaterThan(0);
    expect(
      problemsOf(() => parseRuleText(changed('process.isShell', `${'('.repeat(500)}true${')'.repeat(500)}`), 'x'))[0],
    ).toMatch(/^6:\d+ CEL: .*maxDepth/);
    const list = Array.from({ length: 600 }, (_, index) => `'${index}'`).join(',');
    expect(problemsOf(() => parseRuleText(changed('process.isShell', `process.program in [${list}]`), 'x'))[0]).toMatch(
      /maxListElements/,
    );
    for (const levels of [100, 1_000, 4_000, 20_000]) {
      const parents = 'parent: { '.repeat(levels) + '}'.repeat(levels);
      const deep = `${valid}tests:\n  - { name: x, match: true, process: { ${parents} } }\n`;
      const problems = problemsOf(() => testRule(parseRuleText(deep, 'x')));
      expect(problems.every((problem) => problem.includes('nested too deeply'))).toBe(true);
    }
  });
});

import { expect, it } from 'vitest';
import { resolveProgram } from './program.ts';
import { hasInlineCode, isUtility } from './utilities.ts';

function facts(path: string, ...argv: string[]) {
  const execution = { executable: { path }, filename: path, argv };
  const program = resolveProgram(execution);
  return { utility: isUtility(program), inline: hasInlineCode(program, execution) };
}

it('knows tools that do what they are told with any file, by what is executed', () => {
  expect(facts('/bin/busybox', 'base64', '/root/x').utility).toBe(true);
  expect(facts('/usr/bin/curl', 'kworker').utility).toBe(true);
  expect(facts('/usr/bin/app', 'cat').utility).toBe(false);
  expect(facts('/bin/busybox', 'httpd').utility).toBe(false);
});

it('knows programs given on the command line', () => {
  expect(facts('/usr/bin/python3.12', 'python3', '-c', 'print()').inline).toBe(true);
  expect(facts('/usr/bin/perl', 'perl', '-MSocket', '-e', 'x').inline).toBe(true);
  expect(facts('/usr/bin/python3.12', 'python3', '/app/main.py', '-c', 'x').inline).toBe(false);
  expect(facts('/usr/bin/python3.12', 'python3', '-m', 'http.server').inline).toBe(false);
  expect(facts('/usr/bin/dash', 'sh', '-c', 'id').inline).toBe(false);
});

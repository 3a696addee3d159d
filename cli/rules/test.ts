import { testRule } from '../../agent/detect/rule-test.ts';
import { CommandError } from '../command-error.ts';
import { print, printJson, printNote, standardScreen } from '../output.ts';
import { type RuleOptions, ruleFolders } from '../service-options.ts';
import { rulesOf } from './load.ts';

export interface TestRulesOptions extends RuleOptions {
  json?: boolean;
}

export function testRules(paths: readonly string[], options: TestRulesOptions): void {
  const rules = rulesOf(paths.length > 0 ? paths : ruleFolders(options));
  const results = rules.flatMap(testRule);
  const failed = results.filter((result) => !result.ok);
  const untested = rules.filter((rule) => rule.tests.length === 0).map((rule) => rule.id);
  if (options.json) for (const result of results) printJson(result);
  else {
    const screen = standardScreen();
    for (const { ruleId, name, reason } of failed)
      print(`${screen.paint('bad', '✘')} ${ruleId}: ${name}`, `  ${reason}`);
    print(`${rules.length} rules are valid; ${results.length - failed.length} tests passed, ${failed.length} failed`);
  }
  if (untested.length > 0) printNote(`without tests: ${untested.join(', ')}`);
  if (failed.length > 0) throw new CommandError('failed', `${failed.length} of ${results.length} rule tests failed`);
}

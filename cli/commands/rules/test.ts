import { Command } from 'commander';
import { exitCodeHelp } from '../../exit-codes.ts';
import { jsonOption } from '../../options.ts';
import type { TestRulesOptions } from '../../rules/test.ts';
import { addRuleOptions } from '../../service-options.ts';

export function rulesTestCommand(): Command {
  const command = new Command('test')
    .summary('check rule files and run the tests in them')
    .description(
      'Checks rules as the agent does when it loads them, and runs the examples under "tests" of each. Without paths: the shipped rules and those of --rules. A single file is tested without overrides.',
    )
    .argument('[paths...]', 'rule files or folders')
    .addOption(jsonOption());
  return addRuleOptions(command)
    .addHelpText('after', help)
    .action(async (paths: readonly string[], options: TestRulesOptions) =>
      (await import('../../rules/test.ts')).testRules(paths, options),
    );
}

const help = `
Examples:
  tallyman rules test my-rule.yaml
  tallyman rules test --rules /etc/tallyman/rules

Exits with 1 when a file is refused or a test fails.
${exitCodeHelp}`;

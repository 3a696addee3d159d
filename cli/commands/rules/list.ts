import { Command } from 'commander';
import { exitCodeHelp } from '../../exit-codes.ts';
import { jsonOption } from '../../options.ts';
import type { ListRulesOptions } from '../../rules/list.ts';
import { addRuleOptions } from '../../service-options.ts';

export function rulesListCommand(): Command {
  const command = new Command('list')
    .summary('all rules, with what overrides made of them')
    .description('Lists the rules, the worst first, with their state after overrides.')
    .addOption(jsonOption());
  return addRuleOptions(command)
    .addHelpText('after', help)
    .action(async (options: ListRulesOptions) => (await import('../../rules/list.ts')).listRules(options));
}

const help = `
Examples:
  tallyman rules list
  tallyman rules list --rules /etc/tallyman/rules --json
${exitCodeHelp}`;

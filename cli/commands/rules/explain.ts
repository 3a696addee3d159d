import { Command } from 'commander';
import { exitCodeHelp } from '../../exit-codes.ts';
import { jsonOption } from '../../options.ts';
import type { ExplainRuleOptions } from '../../rules/explain.ts';
import { addRuleOptions } from '../../service-options.ts';

export function rulesExplainCommand(): Command {
  const command = new Command('explain')
    .summary('what a rule looks for, why, and what to do')
    .description(
      'Shows a rule in full: why it matters, its condition, exceptions and overrides, and what to do when it fires.',
    )
    .argument('<rule>', 'id of the rule')
    .addOption(jsonOption());
  return addRuleOptions(command)
    .addHelpText('after', help)
    .action(async (id: string, options: ExplainRuleOptions) =>
      (await import('../../rules/explain.ts')).explainRule(id, options),
    );
}

const help = `
Examples:
  tallyman rules explain exec-drift
${exitCodeHelp}`;

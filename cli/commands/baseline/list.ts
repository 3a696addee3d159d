import { Command } from 'commander';
import type { ListBaselinesOptions } from '../../baseline/list.ts';
import { exitCodeHelp } from '../../exit-codes.ts';
import { apiOption, apiTokenOption, jsonOption, utcOption } from '../../options.ts';

export function baselineListCommand(): Command {
  return new Command('list')
    .summary('all baselines with their state')
    .description('Lists the baselines, with what keeps them from being ready.')
    .argument('[of]', 'only those of this container, workload, repository or digest')
    .addOption(jsonOption())
    .addOption(apiOption())
    .addOption(apiTokenOption())
    .addOption(utcOption())
    .addHelpText(
      'after',
      `\nExamples:\n  tallyman baseline list\n  tallyman baseline list checkout --json\n${exitCodeHelp}`,
    )
    .action(async (of: string | undefined, options: ListBaselinesOptions) =>
      (await import('../../baseline/list.ts')).listBaselines(of, options),
    );
}

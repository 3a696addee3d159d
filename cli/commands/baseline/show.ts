import { Command } from 'commander';
import type { ShowBaselineOptions } from '../../baseline/show.ts';
import { exitCodeHelp } from '../../exit-codes.ts';
import { apiOption, apiTokenOption, jsonOption, utcOption } from '../../options.ts';

export function baselineShowCommand(): Command {
  return new Command('show')
    .summary('one baseline with everything in it')
    .description('Shows the state of a baseline and why, what it expects, and what was seen and is not expected.')
    .argument('<baseline>', 'id or its beginning, a container, or a workload, repository or digest that has only one')
    .addOption(jsonOption())
    .addOption(apiOption())
    .addOption(apiTokenOption())
    .addOption(utcOption())
    .addHelpText('after', `\nExamples:\n  tallyman baseline show checkout\n${exitCodeHelp}`)
    .action(async (baseline: string, options: ShowBaselineOptions) =>
      (await import('../../baseline/show.ts')).showBaseline(baseline, options),
    );
}

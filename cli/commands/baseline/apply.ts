import { Command } from 'commander';
import type { ApplyOptions } from '../../baseline/apply.ts';
import { exitCodeHelp } from '../../exit-codes.ts';
import { apiOption, apiTokenOption, jsonOption } from '../../options.ts';

export function baselineApplyCommand(): Command {
  return new Command('apply')
    .summary('make a baseline what a file says')
    .description(
      'Makes a baseline expect exactly what a YAML file says; it is ready then. Refused when it has changed since the file was exported.',
    )
    .argument('<file>', 'as `baseline export` writes it; - for standard input')
    .option('--dry-run', 'only show what would change')
    .option('--force', 'overwrite what changed since the file was exported')
    .addOption(jsonOption())
    .addOption(apiOption())
    .addOption(apiTokenOption())
    .addHelpText(
      'after',
      `\nExamples:\n  tallyman baseline apply checkout.yaml --dry-run\n  tallyman baseline apply checkout.yaml\n${exitCodeHelp}`,
    )
    .action(async (file: string, options: ApplyOptions) =>
      (await import('../../baseline/apply.ts')).applyBaselineFile(file, options),
    );
}

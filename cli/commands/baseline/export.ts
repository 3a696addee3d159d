import { Command } from 'commander';
import type { ExportOptions } from '../../baseline/export.ts';
import { exitCodeHelp } from '../../exit-codes.ts';
import { apiOption, apiTokenOption, jsonOption } from '../../options.ts';

export function baselineExportCommand(): Command {
  return new Command('export')
    .summary('write a baseline as YAML, to be kept in git')
    .description('Writes what a baseline expects as YAML: the same text for the same baseline, sorted line by line.')
    .argument('<baseline>', 'as in `baseline show`')
    .option('-o, --output <file>', 'write to this file instead of standard output')
    .addOption(jsonOption())
    .addOption(apiOption())
    .addOption(apiTokenOption())
    .addHelpText('after', `\nExamples:\n  tallyman baseline export checkout -o checkout.yaml\n${exitCodeHelp}`)
    .action(async (baseline: string, options: ExportOptions) =>
      (await import('../../baseline/export.ts')).exportBaseline(baseline, options),
    );
}

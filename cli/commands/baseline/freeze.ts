import { Command } from 'commander';
import type { FreezeOptions } from '../../baseline/freeze.ts';
import { exitCodeHelp } from '../../exit-codes.ts';
import { apiOption, apiTokenOption, jsonOption } from '../../options.ts';

export function baselineFreezeCommand(): Command {
  return freezing('freeze', 'nothing changes it from now on; it counts as ready', true);
}

export function baselineUnfreezeCommand(): Command {
  return freezing('unfreeze', 'it goes on where it was frozen', false);
}

function freezing(name: string, effect: string, frozen: boolean): Command {
  return new Command(name)
    .summary(`${name} a baseline: ${effect}`)
    .description(`Makes a baseline ${frozen ? 'frozen' : 'changeable again'}: ${effect}.`)
    .argument('<baseline>', 'as in `baseline show`')
    .addOption(jsonOption())
    .addOption(apiOption())
    .addOption(apiTokenOption())
    .addHelpText('after', `\nExamples:\n  tallyman baseline ${name} checkout\n${exitCodeHelp}`)
    .action(async (baseline: string, options: FreezeOptions) =>
      (await import('../../baseline/freeze.ts')).freezeBaseline(baseline, frozen, options),
    );
}

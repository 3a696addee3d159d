import { Command } from 'commander';
import { baselineApplyCommand } from './baseline/apply.ts';
import { baselineExportCommand } from './baseline/export.ts';
import { baselineFreezeCommand, baselineUnfreezeCommand } from './baseline/freeze.ts';
import { baselineListCommand } from './baseline/list.ts';
import { baselineShowCommand } from './baseline/show.ts';

export function baselineCommand(): Command {
  return new Command('baseline')
    .summary('what workloads normally do: list, show, edit, freeze')
    .description('Baselines are learned by the collector for each workload of an image; see docs/baselines.md.')
    .addCommand(baselineListCommand())
    .addCommand(baselineShowCommand())
    .addCommand(baselineFreezeCommand())
    .addCommand(baselineUnfreezeCommand())
    .addCommand(baselineExportCommand())
    .addCommand(baselineApplyCommand());
}

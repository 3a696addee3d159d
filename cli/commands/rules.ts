import { Command } from 'commander';
import { rulesExplainCommand } from './rules/explain.ts';
import { rulesListCommand } from './rules/list.ts';
import { rulesReplayCommand } from './rules/replay.ts';
import { rulesTestCommand } from './rules/test.ts';

export function rulesCommand(): Command {
  return new Command('rules')
    .summary('list, explain, test and replay rules')
    .description('Works on rule files: the shipped ones and those of --rules. No agent is needed.')
    .addCommand(rulesListCommand())
    .addCommand(rulesExplainCommand())
    .addCommand(rulesTestCommand())
    .addCommand(rulesReplayCommand());
}

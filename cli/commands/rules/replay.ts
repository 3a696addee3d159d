import { Command, Option } from 'commander';
import { exitCodeHelp } from '../../exit-codes.ts';
import { collect, jsonOption, utcOption } from '../../options.ts';
import type { ReplayRulesOptions } from '../../rules/replay.ts';
import { addRuleOptions } from '../../service-options.ts';

export function rulesReplayCommand(): Command {
  const command = new Command('replay')
    .summary('run rules on recorded events')
    .description(
      'Runs the rules on the events that `tallyman record` wrote to a file, and shows what they would have found. No agent is needed.',
    )
    .argument('<file>', 'a recording')
    .addOption(jsonOption())
    .addOption(utcOption())
    .addOption(
      new Option(
        '--baseline <file>',
        'a baseline that `tallyman baseline export` wrote, for the rules that need one; repeatable',
      ).argParser(collect),
    );
  return addRuleOptions(command)
    .addHelpText('after', help)
    .action(async (file: string, options: ReplayRulesOptions) =>
      (await import('../../rules/replay.ts')).replayRules(file, options),
    );
}

const help = `
Examples:
  tallyman rules replay yesterday.jsonl
  tallyman rules replay yesterday.jsonl --baseline checkout.yaml
  tallyman rules replay yesterday.jsonl --no-shipped-rules --rules ./my-rules
${exitCodeHelp}`;

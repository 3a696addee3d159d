import { Command } from 'commander';
import { exitCodeHelp } from '../exit-codes.ts';
import { option, parseCount } from '../options.ts';
import type { RecordCommandOptions } from '../record/run-record.ts';
import { addAgentOptions, addLogOptions } from '../service-options.ts';

export function recordCommand(): Command {
  const command = new Command('record')
    .summary('write the events of this node to a file')
    .description(
      'Watches the containers of this node and writes their events to a file, for `tallyman rules replay`. Reports to nobody. Needs what an agent needs, and can run beside one.',
    )
    .argument('<file>', 'file to write; must not exist')
    .addOption(option('--seconds <n>', 'stop after this long; else at Ctrl-C').argParser(parseCount))
    .addOption(
      option('--max-mb <n>', 'stop when the file has this many megabytes').default(1024).argParser(parseCount),
    );
  addAgentOptions(command);
  return addLogOptions(command, 'log to this file instead of standard error')
    .addHelpText('after', help)
    .action(async (file: string, options: RecordCommandOptions) =>
      (await import('../record/run-record.ts')).runRecord(file, options),
    );
}

const help = `
Examples:
  sudo tallyman record events.jsonl --seconds 600
  tallyman rules replay events.jsonl --rules ./my-rules

The file holds arguments and paths of everything that ran: it is readable by its owner only.
${exitCodeHelp}`;

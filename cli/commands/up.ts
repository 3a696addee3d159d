import { Command } from 'commander';
import { exitCodeHelp } from '../exit-codes.ts';
import { option, parseUrl, utcOption } from '../options.ts';
import { addAgentOptions, addCollectorOptions, addLogOptions } from '../service-options.ts';
import type { UpOptions } from '../up/run-up.ts';

export function upCommand(): Command {
  const command = new Command('up')
    .summary('watch the containers of this machine')
    .description(
      'Runs agent and collector in one process, starts a NATS server of its own unless one is given, and shows alerts as they come. Needs root.',
    )
    .addOption(
      option('--nats-url <url>', 'NATS server that carries the alerts; else nats-server is started here').argParser(
        parseUrl('nats:', 'tls:', 'ws:', 'wss:'),
      ),
    )
    .addOption(option('--nats-creds <file>', 'credentials file for NATS'));
  addCollectorOptions(command);
  addAgentOptions(command);
  return addLogOptions(command, 'log to this file; else tallyman.log in the data directory')
    .addOption(utcOption())
    .addHelpText('after', help)
    .action(async (options: UpOptions) => {
      const { runUp } = await import('../up/run-up.ts');
      await runUp(options);
    });
}

const help = `
It is ready when GET /readyz on the HTTP address answers 200. Ctrl-C stops everything it started.

Examples:
  sudo tallyman up
  sudo tallyman up --cosign-key release.pub --insecure-registry 127.0.0.1:5000
  sudo tallyman up --data-dir ./data --nats-url nats://10.0.0.5:4222 --otlp-endpoint http://127.0.0.1:4318
${exitCodeHelp}`;

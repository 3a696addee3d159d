import { Command } from 'commander';
import { exitCodeHelp } from '../exit-codes.ts';
import { untilInterrupted } from '../interrupt.ts';
import { openLog } from '../logging.ts';
import { checkAddress, option, parseUrl } from '../options.ts';
import { printNote } from '../output.ts';
import type { CollectorOptions, LogOptions } from '../service-options.ts';
import { addCollectorOptions, addLogOptions, collectorConfig } from '../service-options.ts';

interface CollectorCommandOptions extends CollectorOptions, LogOptions {
  listen: string;
  insecureUplink?: boolean;
}

export function collectorCommand(): Command {
  const command = new Command('collector')
    .summary('the collector alone, for agents on other nodes')
    .description('Takes findings from agents, joins them with the papers of images, and publishes alerts.')
    .addOption(
      option('--listen <host:port>', 'where agents connect (gRPC)').default('127.0.0.1:4319').argParser(checkAddress),
    )
    .addOption(option('--insecure-uplink', 'plain text beyond loopback; only where something else protects the line'))
    .addOption(
      option('--nats-url <url>', 'NATS server that carries the alerts; without one they are stored only').argParser(
        parseUrl('nats:', 'tls:', 'ws:', 'wss:'),
      ),
    )
    .addOption(option('--nats-creds <file>', 'credentials file for NATS'));
  addCollectorOptions(command);
  return addLogOptions(command, 'log to this file instead of standard error')
    .addHelpText('after', help)
    .action(collector);
}

const help = `
Examples:
  tallyman collector --data-dir ./data --nats-url nats://127.0.0.1:4222
  tallyman collector --listen 0.0.0.0:4319 --insecure-uplink --http 0.0.0.0:8600 --http-token "$TOKEN" …
${exitCodeHelp}`;

async function collector(options: CollectorCommandOptions): Promise<void> {
  const [{ runCollector }, { Metrics }] = await Promise.all([
    import('../../collector/main.ts'),
    import('../../common/metrics.ts'),
  ]);
  const { logger } = openLog(options, undefined);
  const metrics = new Metrics('collector');
  metrics.collectProcessMetrics();
  const config = {
    ...collectorConfig(options),
    uplink: { listenAddress: options.listen, insecure: options.insecureUplink === true },
  };
  await untilInterrupted((signal) =>
    runCollector(config, { logger, metrics }, signal, ({ address, httpUrl }) =>
      printNote(`tallyman collector: agents connect to ${address}, HTTP API at ${httpUrl}`),
    ),
  );
}

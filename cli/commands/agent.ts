import { Command } from 'commander';
import type { AgentHealth } from '../agent-health.ts';
import { agentHealth } from '../agent-health.ts';
import { startAgentHttp } from '../agent-http.ts';
import { exitCodeHelp } from '../exit-codes.ts';
import { aborted, untilInterrupted } from '../interrupt.ts';
import { openLog } from '../logging.ts';
import { checkAddress, option } from '../options.ts';
import { printNote } from '../output.ts';
import type { AgentCommandOptions, LogOptions } from '../service-options.ts';
import { addAgentOptions, addLogOptions, agentConfig } from '../service-options.ts';

interface AgentOptions extends AgentCommandOptions, LogOptions {
  collector: string;
  insecureUplink?: boolean;
  http?: string;
}

export function agentCommand(): Command {
  const command = new Command('agent')
    .summary('the agent alone, reporting to a collector elsewhere')
    .description(
      'Watches the containers of this node and reports to a collector. Needs root or the capabilities that `tallyman doctor` names.',
    )
    .addOption(
      option('--collector <host:port>', "the collector's gRPC address")
        .default('127.0.0.1:4319')
        .argParser(checkAddress),
    )
    .addOption(
      option('--insecure-uplink', 'plain text to a collector elsewhere; only where something else protects the line'),
    )
    .addOption(
      option('--http <host:port>', '/healthz, /readyz and /metrics of the agent; none when not given').argParser(
        checkAddress,
      ),
    );
  addAgentOptions(command);
  return addLogOptions(command, 'log to this file instead of standard error').addHelpText('after', help).action(agent);
}

const help = `
Examples:
  sudo tallyman agent --collector 10.0.0.5:4319 --insecure-uplink
  sudo tallyman agent --http 127.0.0.1:8602 --node-name node-3
${exitCodeHelp}`;

async function agent(options: AgentOptions): Promise<void> {
  const [{ createAgent }, { Metrics }] = await Promise.all([
    import('../../agent/agent.ts'),
    import('../../common/metrics.ts'),
  ]);
  const { logger } = openLog(options, undefined);
  const metrics = new Metrics('agent');
  metrics.collectProcessMetrics();
  const uplink = { address: options.collector, insecure: options.insecureUplink === true };
  await untilInterrupted(async (signal) => {
    const running = createAgent(agentConfig(options, uplink), { logger, metrics });
    const health = (): AgentHealth => agentHealth(running.status());
    const http = options.http === undefined ? undefined : await startAgentHttp(options.http, metrics, health);
    try {
      await running.start();
      printNote(
        `tallyman agent: watching ${running.status().directory.runningContainers} containers, reporting to ${options.collector}`,
      );
      await aborted(signal);
    } finally {
      await running.close();
      await http?.close();
    }
  });
}

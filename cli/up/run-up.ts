import { mkdirSync } from 'node:fs';
import { hostname, machine, release } from 'node:os';
import { join } from 'node:path';
import type { Agent } from '../../agent/agent.ts';
import { createAgent } from '../../agent/agent.ts';
import type { Collector } from '../../collector/collector.ts';
import { createCollector } from '../../collector/collector.ts';
import { Readiness } from '../../collector/query/readiness.ts';
import { CodedError, errorText } from '../../common/errors.ts';
import { Metrics } from '../../common/metrics.ts';
import { version } from '../../common/version.ts';
import { agentHealth, runtimeNames } from '../agent-health.ts';
import { CommandError } from '../command-error.ts';
import { examine } from '../doctor/examine.ts';
import { doctorReport } from '../doctor/report.ts';
import { exitCodes } from '../exit-codes.ts';
import type { ServiceLog } from '../logging.ts';
import { openLog } from '../logging.ts';
import { defaultNatsUrl } from '../options.ts';
import { print, printNote, standardScreen } from '../output.ts';
import { defaultBpfObject } from '../paths.ts';
import type { AgentCommandOptions, CollectorOptions, LogOptions } from '../service-options.ts';
import { agentConfig, collectorConfig } from '../service-options.ts';
import { alertBlock } from '../terminal/alert-block.ts';
import { alertView } from '../terminal/alert-view.ts';
import type { Screen } from '../terminal/style.ts';
import { findNatsServer, startNatsChild } from './nats-child.ts';
import { Shutdown, stopSignal } from './shutdown.ts';
import type { StartInfo } from './start-screen.ts';
import { startScreen } from './start-screen.ts';

export interface UpOptions extends CollectorOptions, AgentCommandOptions, LogOptions {
  utc?: boolean;
}

interface Nats {
  url: string | undefined;
  /** For people. */
  description: string;
}

/** `tallyman up`: NATS, collector and agent, in this order; stopped in the opposite one. */
export async function runUp(options: UpOptions): Promise<void> {
  const stopped = stopSignal(() => process.exit(exitCodes.interrupted));
  const shutdown = new Shutdown();
  try {
    makeDataFolder(options.dataDir);
    const log = openLog(options, join(options.dataDir, 'tallyman.log'));
    const nats = await provideNats(options, shutdown);
    const { collector, agent } = await startBoth({ ...options, natsUrl: nats.url }, log, shutdown).catch(explain);
    const screen = standardScreen(options);
    print(...startScreen(startInfo(options, { collector, agent, nats, log }), screen), '');
    showAlerts(collector, screen);
    const signal = await stopped;
    print('', `${signal}: stopping. Again to end at once.`);
  } finally {
    printNote(...(await shutdown.run()));
  }
}

/** Where the sensor cannot start, the reason is with the host: what the doctor finds says more than the error. */
async function explain(error: unknown): Promise<never> {
  if (error instanceof CodedError && error.code.startsWith('SENSOR_')) {
    const verdict = await examine({ bpfObject: defaultBpfObject });
    if (!verdict.canWatch) printNote(...doctorReport(verdict, standardScreen(), { problemsOnly: true }), '');
  }
  throw error;
}

function makeDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o750 });
  } catch (cause) {
    throw new CommandError('failed', `the data directory ${folder} cannot be made`, {
      cause,
      hint: 'run as root (sudo), or name another with --data-dir',
    });
  }
}

async function provideNats(options: UpOptions, shutdown: Shutdown): Promise<Nats> {
  if (options.natsUrl !== undefined) return { url: options.natsUrl, description: options.natsUrl };
  const binary = findNatsServer();
  if (binary === undefined) {
    const description = 'stored only: no --nats-url was given and there is no nats-server on this machine';
    return { url: undefined, description };
  }
  const child = await startNatsChild(binary, join(options.dataDir, 'nats'));
  shutdown.add('nats-server', () => child.close());
  void child.exited.then(({ expected, description }) => {
    if (!expected)
      printNote(`nats-server ended by itself (${description}): alerts are kept, and published once it is back`);
  });
  return { url: child.url, description: `${child.url} (nats-server started here)` };
}

async function startBoth(
  options: UpOptions,
  { logger }: ServiceLog,
  shutdown: Shutdown,
): Promise<{ collector: Collector; agent: Agent }> {
  const readiness = new Readiness();
  readiness.add('agent', () => ({ state: 'pending', reason: 'starting' }));
  const metrics = { agent: new Metrics('agent'), collector: new Metrics('collector') };
  metrics.collector.collectProcessMetrics();
  const collector = createCollector(
    { ...collectorConfig(options), uplink: { listenAddress: '127.0.0.1:0' } },
    { logger, metrics: metrics.collector, registries: [metrics.agent.registry], readiness },
  );
  await collector.start();
  shutdown.add('collector', () => collector.close());
  const agent = createAgent(agentConfig(options, { address: collector.address, insecure: false }), {
    logger,
    metrics: metrics.agent,
  });
  shutdown.add('agent', () => agent.close());
  await agent.start();
  readiness.add('agent', () => {
    const { ready, reason } = agentHealth(agent.status());
    return { state: ready ? (reason === '' ? 'ok' : 'degraded') : 'pending', reason };
  });
  return { collector, agent };
}

interface Running {
  collector: Collector;
  agent: Agent;
  nats: Nats;
  log: ServiceLog;
}

function startInfo(options: UpOptions, { collector, agent, nats, log }: Running): StartInfo {
  const status = agent.status();
  return {
    version,
    nodeName: options.nodeName ?? hostname(),
    kernel: `${release()} ${machine()}`,
    hooks: status.hooks,
    runtimes: runtimeNames(status),
    containersWatched: status.directory.runningContainers,
    ruleCount: status.rules,
    alerts: nats.description,
    subscribe: nats.url === undefined ? undefined : subscribeCommand(nats.url),
    traces: options.otlpEndpoint ?? 'not exported (--otlp-endpoint)',
    apiUrl: collector.httpUrl,
    logFile: log.where,
  };
}

function subscribeCommand(natsUrl: string): string {
  return `./tallyman alerts --follow${natsUrl === defaultNatsUrl ? '' : ` --nats-url ${natsUrl}`}`;
}

/** Alerts that were decided to be recorded only are not shown; they are in the store. */
function showAlerts(collector: Collector, screen: Screen): void {
  collector.subscribeAlerts((alert, stored) => {
    if (alert.decision.action !== 'alert') return;
    try {
      print(...alertBlock(alertView(JSON.parse(stored.cloudEvent)), screen), '');
    } catch (thrown) {
      printNote(`alert ${alert.alertId} cannot be shown: ${errorText(thrown)}`);
    }
  });
}

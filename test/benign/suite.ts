import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { LossEpisode } from '../../agent/observe/loss-log.ts';
import type { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import { WholeAgent } from '../support/whole-agent.ts';
import { type BenignContainer, healthOf, label, loadsDone, removeContainers, startWorkload } from './containers.ts';
import { buildBenignImage } from './image.ts';
import { type OperatorLog, operate } from './operator.ts';
import { workloads } from './workloads.ts';

export interface BenignResult {
  findings: Finding[];
  /** Events that the rules were asked about, by container. */
  events: Map<string, number>;
  operator: OperatorLog;
  /** What was not as it should be for the run to mean something: a load that was never done, a server that is not healthy. */
  problems: string[];
}

const settleMs = 3_000;

/** Runs the servers under load for some time, watched by the whole agent. Leaves nothing but the image's base behind. */
export async function runBenignSuite(seconds: number): Promise<BenignResult> {
  const run = `${process.pid}`;
  const image = await buildBenignImage();
  const result: BenignResult = {
    ...{ findings: [], events: new Map(), problems: [] },
    operator: { done: new Map(), failures: [] },
  };
  const whole = new WholeAgent({
    onEvent: ({ container }) => {
      if (container.labels[label] === run) result.events.set(container.id, (result.events.get(container.id) ?? 0) + 1);
    },
    onFinding: (finding) => {
      if (finding.container?.labels[label] === run) result.findings.push(finding);
    },
  });
  try {
    await whole.agent.start();
    const containers = (await Promise.all(workloads.map((each) => startWorkload(each, image, run)))).flat();
    const stopping = new AbortController();
    const servers = containers.filter(({ name }) => workloads.some((each) => each.name === name));
    const operating = operate(result.operator, { image, run, servers, signal: stopping.signal });
    await sleep(seconds * 1_000);
    stopping.abort();
    await operating;
    await sleep(settleMs);
    await examine(result, containers, whole.agent.status().losses);
  } finally {
    await removeContainers(run);
    await whole.agent.close(0);
    await promisify(execFile)('docker', ['rmi', '-f', image]);
  }
  return result;
}

async function examine(
  result: BenignResult,
  containers: BenignContainer[],
  losses: readonly LossEpisode[],
): Promise<void> {
  const { problems, events, operator } = result;
  for (const container of containers) {
    const health = await settledHealth(container);
    if (health !== (container.hasHealthCheck ? 'healthy' : 'running')) problems.push(`${container.name} is ${health}`);
    if ((events.get(container.id) ?? 0) === 0) problems.push(`nothing was seen of ${container.name}`);
    if (container.tellsDone && (await loadsDone(container)) === 0)
      problems.push(`${container.name} has never been done`);
  }
  if (operator.done.size === 0) problems.push('nothing was done by hand');
  for (const { type, reason, count, containerId } of losses)
    if (containerId !== undefined && events.has(containerId))
      problems.push(`${count} of ${type} were lost (${reason}): something may have been overlooked`);
}

/** After a restart a server needs a while. */
async function settledHealth(container: BenignContainer): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    const health = await healthOf(container);
    if (health !== 'starting' || attempt === 60) return health;
    await sleep(500);
  }
}

import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { docker } from '../support/docker.ts';
import { type BenignContainer, execute, label, startWorkload } from './containers.ts';
import { type Workload, workloads } from './workloads.ts';

export interface OperatorLog {
  /** How often each thing was done. */
  done: Map<string, number>;
  failures: string[];
}

interface Surroundings {
  image: string;
  run: string;
  servers: BenignContainer[];
  signal: AbortSignal;
}

const runProgram = promisify(execFile);

const pauseMs = 2_000;

/** What happens around servers as long as they run: commands by hand, restarts, deployments, an image that is built. */
export async function operate(log: OperatorLog, surroundings: Surroundings): Promise<void> {
  const { signal } = surroundings;
  for (let round = 0; !signal.aborted; round++) {
    for (const act of [...commands(surroundings, round), ...changes(surroundings, round)]) {
      if (signal.aborted) return;
      await attempt(log, act);
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

interface Act {
  name: string;
  act: () => Promise<unknown>;
}

function commands({ servers }: Surroundings, round: number): Act[] {
  return servers.flatMap((server) => {
    const { operator = [] } = workloads.find(({ name }) => name === server.name) ?? {};
    const command = operator[round % operator.length];
    if (command === undefined) return [];
    return [{ name: `${server.name}: ${command.join(' ')}`, act: () => execute(server, command) }];
  });
}

/** One change in each round, in turn. */
function changes({ image, run, servers }: Surroundings, round: number): Act[] {
  const restarted = servers[Math.floor(round / 3) % servers.length];
  const deployed = workloads[Math.floor(round / 3) % workloads.length] as Workload;
  const all: Act[] = [
    { name: 'an image is built', act: () => buildImage(image, run) },
    { name: 'a container is deployed and stopped', act: () => deployAndStop(deployed, image, run) },
    { name: 'a container is restarted', act: async () => restarted && docker.getContainer(restarted.id).restart() },
  ];
  return all.slice(round % all.length).slice(0, 1);
}

async function attempt({ done, failures }: OperatorLog, { name, act }: Act): Promise<void> {
  try {
    await act();
    done.set(name, (done.get(name) ?? 0) + 1);
  } catch (error) {
    failures.push(`${name}: ${error}`);
  }
}

async function deployAndStop({ load: _, ...workload }: Workload, image: string, run: string): Promise<void> {
  const [container] = await startWorkload(workload, image, run);
  if (container === undefined) return;
  await sleep(2_000);
  await docker.getContainer(container.id).stop({ t: 2 });
  await docker.getContainer(container.id).remove({ v: true });
}

/** A package with a script that adds a user is installed, as in most Dockerfiles. The image is removed again. */
async function buildImage(image: string, run: string): Promise<void> {
  const dockerfile = [
    `FROM ${image}`,
    `LABEL ${label}=${run}`,
    'RUN apt-get install -y --no-install-recommends /srv/packages/hello.deb && rm -rf /var/lib/apt/lists/*',
    'RUN useradd --system app && mkdir /app && chown app /app',
  ].join('\n');
  const built = `${image}-built`;
  const build = runProgram('docker', [
    'build',
    '--quiet',
    '--no-cache',
    '--network',
    'none',
    '--force-rm',
    '--tag',
    built,
    '-',
  ]);
  build.child.stdin?.end(dockerfile);
  await build;
  await runProgram('docker', ['rmi', '-f', built]);
}

import { setTimeout as sleep } from 'node:timers/promises';
import { docker, runContainer } from '../support/docker.ts';

export const soakLabel = 'io.tallyman.soak';

/** What the load has done so far. */
export interface Load {
  containers: number;
  executions: number;
  connections: number;
  failures: string[];
}

const labels = { [soakLabel]: 'yes' };
/** What each short-lived container does: a program, a denied capability, a connection. */
const visit = ['/bin/sh', '-c', '/bin/id; /bin/actor mount; /bin/actor connect 127.0.0.1 9; exit 0'];

async function runOnce(command: string[]): Promise<string> {
  const container = await runContainer({ command, labels });
  try {
    await container.wait();
    return await container.logs();
  } finally {
    await container.remove();
  }
}

/** Starts so many containers a minute, evenly, several at once; resolves when the last one is gone. */
export async function churn(load: Load, perMinute: number, signal: AbortSignal): Promise<void> {
  const running = new Set<Promise<void>>();
  const maxRunning = 8;
  for (let nextMs = performance.now(); !signal.aborted; nextMs += 60_000 / perMinute) {
    await sleep(Math.max(0, nextMs - performance.now()));
    if (running.size >= maxRunning) await Promise.race(running);
    const visited: Promise<void> = runOnce(visit)
      .then(() => void load.containers++, note(load))
      .finally(() => running.delete(visited));
    running.add(visited);
  }
  await Promise.all(running);
}

/** Ten seconds of a storm in a container of its own, then a pause, over and over. */
export async function storms(load: Load, signal: AbortSignal): Promise<void> {
  const kinds = [
    { command: ['/bin/actor', 'execs', '10000', '/bin/true'], what: 'executions' },
    { command: ['/bin/actor', 'loop', 'connect', '10000', '7777'], what: 'connections' },
    // More places than the budget of a container allows: it is throttled, and nobody else.
    { command: ['/bin/actor', 'connect-many', '50000'], what: 'connections' },
    { command: ['/bin/actor', 'fork-bomb', '20000'], what: 'executions' },
  ] as const;
  for (let round = 0; !signal.aborted; round++) {
    const kind = kinds[round % kinds.length];
    if (kind === undefined) return;
    await runOnce([...kind.command])
      .then((printed) => {
        load[kind.what] += Number(printed.trim());
      })
      .catch(note(load));
    await sleep(5_000, undefined, { signal }).catch(() => undefined);
  }
}

function note(load: Load): (error: unknown) => void {
  return (error) => void load.failures.push(String(error).slice(0, 300));
}

/** Containers of this run that are still there. */
export async function leftContainers(): Promise<number> {
  return (await docker.listContainers({ all: true, filters: { label: [soakLabel] } })).length;
}

import { docker } from '../support/docker.ts';
import type { Workload } from './workloads.ts';

/** What marks the containers of a run, so that its findings are told from those of others on the same machine. */
export const label = 'tallyman.test.benign';

/** What a load prints each time it has been done. */
const loadDone = 'LOAD DONE';

const second = 1_000_000_000;

export interface BenignContainer {
  name: string;
  id: string;
  /** It says when its work has been done, again and again. */
  tellsDone: boolean;
  hasHealthCheck: boolean;
}

interface Start {
  name: string;
  image: string;
  run: string;
  command: string[];
  networkMode: string;
  workload?: Workload;
}

async function startContainer({ name, image, run, command, networkMode, workload }: Start): Promise<BenignContainer> {
  const container = await docker.createContainer({
    ...{ Image: image, Cmd: command, Labels: { [label]: run } },
    ...(workload?.user === undefined ? {} : { User: workload.user }),
    ...(workload?.health === undefined
      ? {}
      : { Healthcheck: { Test: ['CMD-SHELL', workload.health], Interval: 5 * second, Retries: 20 } }),
    HostConfig: {
      NetworkMode: networkMode,
      ReadonlyRootfs: workload?.readOnly ?? false,
      ...(workload?.tmpfs === undefined ? {} : { Tmpfs: workload.tmpfs }),
    },
  });
  await container.start();
  const tellsDone = command.join(' ').includes(loadDone) || (workload?.tellsDone ?? false);
  return { name, id: container.id, tellsDone, hasHealthCheck: workload?.health !== undefined };
}

/** The server and, where it has one, the load beside it. */
export async function startWorkload(workload: Workload, image: string, run: string): Promise<BenignContainer[]> {
  const common = { image, run };
  const { name, command } = workload;
  const server = await startContainer({ ...common, name, command, networkMode: 'none', workload });
  if (workload.load === undefined) return [server];
  // Until the server is there, requests fail.
  const script = `while :; do ${workload.load} && echo ${loadDone} || sleep 0.2; sleep 0.5; done`;
  const load = { ...common, name: `${name}-load`, command: ['sh', '-c', script] };
  return [server, await startContainer({ ...load, networkMode: `container:${server.id}` })];
}

export async function removeContainers(run: string): Promise<void> {
  const filters = JSON.stringify({ label: [`${label}=${run}`] });
  for (const { Id } of await docker.listContainers({ all: true, filters }))
    await docker.getContainer(Id).remove({ force: true, v: true });
}

/** How often the load in this container has been done. */
export async function loadsDone({ id }: BenignContainer): Promise<number> {
  const logs = await docker.getContainer(id).logs({ stdout: true, stderr: false });
  return logs.toString('latin1').split(loadDone).length - 1;
}

/** `docker exec` without a terminal; throws with the output when the command fails. */
export async function execute({ name, id }: BenignContainer, command: string[]): Promise<void> {
  const exec = await docker.getContainer(id).exec({ Cmd: command, AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({});
  const output: Buffer[] = [];
  for await (const chunk of stream) output.push(chunk as Buffer);
  const { ExitCode } = await exec.inspect();
  if (ExitCode !== 0)
    throw new Error(`${command.join(' ')} in ${name} ended with ${ExitCode}: ${Buffer.concat(output)}`);
}

/** "healthy", "unhealthy", "starting", or the state of a container that has no health check. */
export async function healthOf({ id }: BenignContainer): Promise<string> {
  const { State } = await docker.getContainer(id).inspect();
  return State.Health?.Status ?? State.Status;
}

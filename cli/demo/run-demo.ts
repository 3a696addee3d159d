import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import Docker from 'dockerode';
import { errorText } from '../../common/errors.ts';
import { CommandError } from '../command-error.ts';
import { findBusybox, packRootFilesystem } from './root-filesystem.ts';
import { demoScript } from './steps.ts';

export const demoImage = 'tallyman-demo';

/** A step that hangs ends with the container. */
const longestMs = 60_000;

export interface DemoOptions {
  dockerSocket: string;
  /** Called with each line the container prints. */
  onMarker: (marker: string) => void;
  /** Called with what is being done, for people. */
  say: (text: string) => void;
  signal: AbortSignal;
}

/**
 * Starts the container, follows it to its end and removes it and its image, also when it is interrupted. The container has
 * no network, little memory and default rights.
 */
export async function runDemo(options: DemoOptions): Promise<void> {
  const docker = new Docker({ socketPath: options.dockerSocket });
  const image = await prepareImage(docker, options);
  const container = await docker.createContainer({
    name: `${demoImage}-${process.pid}`,
    Image: image.reference,
    Cmd: image.own ? ['/bin/sh', '/srv/app.sh'] : ['/bin/sh', '-c', demoScript()],
    Labels: { 'io.tallyman.demo': 'true' },
    HostConfig: { NetworkMode: 'none', Memory: 64 << 20, PidsLimit: 64 },
  });
  try {
    options.say(
      `container ${demoImage}-${process.pid} (${container.id.slice(0, 12)}) from image ${image.reference}, without network`,
    );
    await follow(docker, container, options);
  } finally {
    await container.remove({ force: true });
    if (image.own) await docker.getImage(image.reference).remove({ force: true });
    options.say(`container removed${image.own ? ', image too' : ''}`);
  }
}

interface DemoImage {
  reference: string;
  /** Made by us, to be removed by us. */
  own: boolean;
}

async function prepareImage(docker: Docker, options: DemoOptions): Promise<DemoImage> {
  try {
    await docker.ping();
  } catch (thrown) {
    throw new CommandError('unreachable', `Docker does not answer on ${options.dockerSocket}: ${errorText(thrown)}`, {
      hint: 'run it as root (sudo tallyman demo), with Docker started, or name its socket with --docker-socket',
    });
  }
  const busybox = findBusybox();
  if (busybox !== undefined) {
    const reference = `${demoImage}:latest`;
    const tar = packRootFilesystem(busybox, demoScript());
    await finished(docker, await docker.importImage(tar, { repo: demoImage, tag: 'latest' }));
    return { reference, own: true };
  }
  const local = await findShellImage(docker);
  if (local !== undefined) return { reference: local, own: false };
  throw new CommandError(
    'failed',
    'nothing to make a container of: no busybox on this machine, no image with a shell',
    {
      hint: 'install busybox-static (Debian), or docker pull busybox',
    },
  );
}

function finished(docker: Docker, answer: NodeJS.ReadableStream): Promise<unknown> {
  return new Promise((resolve, reject) =>
    docker.modem.followProgress(answer, (error, output) => (error ? reject(error) : resolve(output))),
  );
}

async function findShellImage(docker: Docker): Promise<string | undefined> {
  const tags = (await docker.listImages()).flatMap((image) => image.RepoTags ?? []);
  return ['busybox', 'alpine', 'debian', 'ubuntu'].flatMap((name) =>
    tags.filter((tag) => tag.split('/').at(-1)?.startsWith(`${name}:`)),
  )[0];
}

async function follow(docker: Docker, container: Docker.Container, options: DemoOptions): Promise<void> {
  const stream = await container.attach({ stream: true, stdout: true, stderr: true });
  const output = new PassThrough();
  docker.modem.demuxStream(stream, output, output);
  stream.once('end', () => output.end());
  const ending = AbortSignal.any([options.signal, AbortSignal.timeout(longestMs)]);
  ending.addEventListener('abort', () => output.end(), { once: true });
  await container.start();
  for await (const line of createInterface({ input: output })) options.onMarker(line);
}

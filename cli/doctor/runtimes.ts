import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { CriApi } from '../../agent/container/cri/cri-api.ts';
import {
  criSocketPaths,
  dockerSocketPath,
  podmanSocketPath,
  socketPlaces,
} from '../../agent/container/host-runtimes.ts';
import { CodedError, errorText } from '../../common/errors.ts';
import { textAt } from '../terminal/json-path.ts';
import type { Check } from './check.ts';

const timeoutMs = 3_000;
const maxAnswerBytes = 1 << 20;

export interface RuntimeSockets {
  dockerSocket?: string;
  criSocket?: readonly string[];
}

/** Docker, podman and CRI sockets. At least one runtime should answer: without one nothing names containers. */
export async function checkRuntimes({ dockerSocket, criSocket }: RuntimeSockets): Promise<Check[]> {
  const dockerPath = dockerSocket ?? firstThere(dockerSocketPath);
  const podmanPath = firstThere(podmanSocketPath);
  const criPaths = criSocket ?? criSocketPaths.flatMap((path) => firstThere(path) ?? []);
  const checks = await Promise.all([
    ...(dockerPath === undefined ? [] : [checkDocker('Docker', dockerPath)]),
    ...(podmanPath === undefined ? [] : [checkDocker('podman', podmanPath)]),
    ...criPaths.map((path) => checkCri(path, criSocket !== undefined)),
  ]);
  return checks.length === 0 ? [noRuntime] : checks;
}

function firstThere(path: string): string | undefined {
  return socketPlaces(path).find((place) => existsSync(place));
}

const noRuntime: Check = {
  name: 'container runtimes',
  state: 'weaker',
  looked: [dockerSocketPath, podmanSocketPath, ...criSocketPaths].join(', '),
  found: 'none of these sockets is there',
  follows: 'containers cannot be named and their images are not known',
  todo: 'start Docker (systemctl start docker) or containerd, or name a socket with --docker-socket or --cri-socket',
};

async function checkDocker(name: string, socketPath: string): Promise<Check> {
  const check = { name, looked: socketPath };
  try {
    const version = JSON.parse(await getOverSocket(socketPath, '/version')) as unknown;
    return { ...check, state: 'good', found: `answers, version ${textAt(version, 'Version') ?? 'not told'}` };
  } catch (thrown) {
    return {
      ...check,
      state: 'weaker',
      found: errorText(thrown),
      follows: `containers of ${name} cannot be named and their images are not known`,
      todo: /EACCES|EPERM/.test(errorText(thrown))
        ? 'run as root (sudo tallyman …)'
        : `start ${name} (systemctl start ${name.toLowerCase()})${name === 'Docker' ? ', or name its socket with --docker-socket' : ''}`,
    };
  }
}

async function checkCri(socketPath: string, named: boolean): Promise<Check> {
  const check = { name: socketPath.includes('crio') ? 'CRI-O' : 'containerd', looked: socketPath };
  const api = new CriApi({ socketPath, requestTimeoutMs: timeoutMs });
  try {
    const { runtimeName, runtimeVersion } = await api.version();
    return { ...check, state: 'good', found: `answers CRI v1, ${runtimeName} ${runtimeVersion}` };
  } catch (thrown) {
    if (!named && thrown instanceof CodedError && thrown.code === 'cri-not-spoken')
      return { ...check, state: 'good', found: 'answers without CRI, as where it works for Docker only' };
    return {
      ...check,
      state: 'weaker',
      found: errorText(thrown),
      follows: 'its containers cannot be named and their images are not known',
      todo: 'start it (systemctl start containerd, crio), or name the right socket with --cri-socket',
    };
  } finally {
    api.close();
  }
}

function getOverSocket(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, timeout: timeoutMs }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > maxAnswerBytes) call.destroy(new Error('the answer is too long'));
      });
      response.on('end', () => resolve(body));
      response.on('error', reject);
    });
    call.on('timeout', () => call.destroy(new Error('no answer')));
    call.on('error', reject);
    call.end();
  });
}

import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { errorText } from '../../common/errors.ts';
import { textAt } from '../terminal/json-path.ts';
import type { Check } from './check.ts';

const timeoutMs = 3_000;
const maxAnswerBytes = 1 << 20;

const criSockets = [
  '/run/containerd/containerd.sock',
  '/run/k3s/containerd/containerd.sock',
  '/var/snap/microk8s/common/run/containerd.sock',
  '/run/crio/crio.sock',
  '/run/cri-dockerd.sock',
];

/** Docker and CRI sockets. At least one runtime should answer: without one there is nothing to name containers by. */
export async function checkRuntimes(dockerSocket: string): Promise<Check[]> {
  const docker = await checkDocker(dockerSocket);
  const cri = await Promise.all(criSockets.filter((path) => existsSync(path)).map(checkCri));
  if (cri.length === 0) return [docker, noCri];
  return docker.state === 'good' ? [docker, ...cri] : cri;
}

const noCri: Check = {
  name: 'CRI sockets',
  state: 'good',
  looked: criSockets.join(', '),
  found: 'none of containerd, k3s, microk8s, CRI-O or cri-dockerd',
};

async function checkDocker(socketPath: string): Promise<Check> {
  const check = { name: 'Docker', looked: socketPath };
  try {
    const version = JSON.parse(await getOverSocket(socketPath, '/version')) as unknown;
    return { ...check, state: 'good', found: `answers, version ${textAt(version, 'Version') ?? 'not told'}` };
  } catch (thrown) {
    return {
      ...check,
      state: 'weaker',
      found: errorText(thrown),
      follows: 'containers of Docker cannot be named and their images are not known',
      todo: /EACCES|EPERM/.test(errorText(thrown))
        ? 'run as root (sudo tallyman …)'
        : 'start Docker (systemctl start docker), or name its socket with --docker-socket',
    };
  }
}

function checkCri(path: string): Promise<Check> {
  const check = { name: path.includes('crio') ? 'CRI-O' : 'containerd', looked: path };
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('no answer')));
    socket.once('connect', () => {
      socket.destroy();
      resolve({
        ...check,
        state: 'weaker',
        found: 'accepts connections',
        follows: 'its containers are not named yet: this version reads containers from Docker only',
      });
    });
    socket.once('error', (error) => resolve({ ...check, state: 'unknown', found: errorText(error) }));
  });
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

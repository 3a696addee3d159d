import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContainerState } from '../../agent/container/container.ts';
import {
  buildImage,
  cleanUp,
  docker,
  image,
  label,
  until,
  type Watched,
  watched,
} from '../support/docker-directory.ts';

beforeAll(() => buildImage());
afterAll(cleanUp);

describe('posture of real containers', () => {
  let subject: Watched;

  beforeAll(async () => {
    subject = watched();
    await subject.directory.start();
  });

  afterAll(async () => {
    await subject.directory.close();
  });

  const postures: [string, string[], object][] = [
    ['--privileged', ['--privileged'], { privileged: true, seccompUnconfined: true }],
    ['the Docker socket', ['-v', '/var/run/docker.sock:/s'], { runtimeSockets: ['/var/run/docker.sock'] }],
    [
      'a directory with sockets',
      ['-v', '/run:/h:ro'],
      { runtimeSockets: expect.arrayContaining(['/run/docker.sock']) },
    ],
    [
      'the whole host',
      ['-v', '/:/h:ro'],
      { mounts: [{ source: '/', destination: '/h', writable: false, type: 'bind' }] },
    ],
    [
      'host namespaces',
      ['--pid=host', '--net=host', '--ipc=host', '--uts=host'],
      { hostPid: true, hostNetwork: true, hostIpc: true, hostUts: true, hostUser: false },
    ],
    ['--userns=host', ['--userns=host'], { hostUser: true }],
    [
      'capabilities',
      ['--cap-add', 'sys_admin', '--cap-add', 'CAP_NET_ADMIN', '--cap-drop', 'ALL'],
      { addedCapabilities: ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'], droppedCapabilities: ['CAP_ALL'] },
    ],
    [
      'unconfined',
      ['--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined'],
      { seccompUnconfined: true, apparmorUnconfined: true, privileged: false },
    ],
    [
      'hardened',
      ['--security-opt', 'no-new-privileges', '--user', '33:33', '--read-only'],
      { noNewPrivileges: true, user: '33:33', readOnlyRootFilesystem: true },
    ],
    ['a device', ['--device', '/dev/null:/dev/x'], { devices: ['/dev/null'] }],
  ];
  it.each(postures)('reads the posture of %s', async (_name, flags, expected) => {
    const id = await docker('create', '--label', label, ...flags, image, 'true');
    const container = await until('the new container', () => subject.directory.get(id));
    expect(container.state).toBe(ContainerState.CREATED);
    expect(container.posture).toMatchObject({ unknownFields: [], ...expected });
    await docker('rm', id);
    await until('its removal', () => subject.directory.get(id)?.state === ContainerState.EXITED);
  });
});

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KernelEvent } from '../../agent/decode/kernel-event.ts';
import { buildTestImage, docker, runContainer, type TestContainer } from '../support/docker.ts';
import { cgroupIdOf, ofKind, only, SensorSession } from '../support/sensor-session.ts';

const run = promisify(execFile);
const nobody = 65_534;

let session: SensorSession;
let container: TestContainer;

beforeAll(async () => {
  await buildTestImage();
  session = new SensorSession().start();
  container = await runContainer({ command: ['/bin/sleep', '600'] });
});

afterAll(async () => {
  session.close();
  await container.remove();
});

/** runc enters the namespaces, changes ids and drops capabilities before it executes the program. */
async function dockerExec(options: string[], ...command: string[]): Promise<void> {
  await run('docker', ['exec', ...options, container.id, ...command]);
}

/** Whatever is told of the container before the first program of the session: all that would be the runtime's. */
function beforeTheProgram(events: readonly KernelEvent[]): KernelEvent[] {
  return events.slice(
    0,
    events.findIndex((event) => event.kind === 'exec'),
  );
}

describe('what the runtime does to put a program into a container', () => {
  it('is not blamed on the container when the container is made', async () => {
    const events = await session.eventsOfContainer(container);
    expect(only(ofKind(events, 'exec'))).toMatchObject({ filename: '/bin/sleep', fromOutside: true, containerPid: 1 });
    expect(ofKind(events, 'capability')).toEqual([]);
    expect(ofKind(events, 'namespace')).toEqual([]);
    expect(ofKind(events, 'fork')).toEqual([]);
  });

  it.each([
    { options: ['--user', 'nobody'], uid: nobody },
    { options: ['--user', '0:0'], uid: 0 },
    { options: ['--workdir', '/tmp', '--env', 'A=b'], uid: 0 },
  ])('is not blamed on it for docker exec $options, and the program is one from outside', async ({ options, uid }) => {
    const before = (await session.eventsOfContainer(container)).length;
    await dockerExec(options, '/bin/sh', '-c', '/bin/true; :');
    const events = (await session.eventsOfContainer(container)).slice(before);
    const [shell, child] = ofKind(events, 'exec');
    expect(shell).toMatchObject({ filename: '/bin/sh', fromOutside: true, credentials: { uid, euid: uid } });
    expect(child).toMatchObject({ filename: '/bin/true', fromOutside: false, credentials: { uid } });
    expect(beforeTheProgram(events)).toEqual([]);
  });

  it('is told apart after a restart of the agent as well', async () => {
    const later = new SensorSession();
    const { State } = await docker.getContainer(container.id).inspect();
    later.sensor.tables.adoptProcess(State.Pid);
    later.start();
    try {
      await dockerExec(['--user', 'nobody'], '/bin/sh', '-c', '/bin/true; :');
      later.sensor.drain();
      const cgroupId = cgroupIdOf(State.Pid);
      const events = later.events.filter((event) => event.cgroupId === cgroupId);
      expect(ofKind(events, 'exec').map((exec) => [exec.filename, exec.fromOutside])).toEqual([
        ['/bin/sh', true],
        ['/bin/true', false],
      ]);
      expect(beforeTheProgram(events)).toEqual([]);
    } finally {
      later.close();
    }
  });
});

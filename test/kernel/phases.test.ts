import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KernelEvent } from '../../agent/decode/kernel-event.ts';
import { buildTestImage, docker, runContainer, type TestContainer, testImage } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { startRuncContainer } from '../support/runc.ts';
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

describe('hooks that the runtime runs in the namespaces of a container', () => {
  it.each(['createContainer', 'startContainer'])('are not blamed on it (%s)', async (when) => {
    const { State } = await docker.getContainer(container.id).inspect();
    const folder = mkdtempSync(join(tmpdir(), 'tallyman-hooks-'));
    // The container's root is in place only when it starts.
    const marker = when === 'startContainer' ? '/made' : join(folder, 'made');
    const script = `/bin/true; mkdir ${marker} && chown 65534 ${marker}; (chmod 700 ${marker})`;
    const started = await startRuncContainer({
      ...{ folder, image: testImage, args: ['/bin/sleep', '601'], env: [], binds: [], tmpfs: [], hostPid: false },
      ...{ capabilities: ['CAP_CHOWN', 'CAP_DAC_OVERRIDE'], noNewPrivileges: true, readOnlyRootFilesystem: false },
      ...{ networkOfPid: State.Pid, hooks: { [when]: [{ path: '/bin/sh', args: ['sh', '-c', script] }] } },
    });
    try {
      expect(existsSync(when === 'startContainer' ? join(started.rootFolder, 'made') : marker)).toBe(true);
      const first = await eventually(() => {
        session.sensor.drain();
        const found = ofKind(session.events, 'exec').findLast((event) => event.argv[1] === '601');
        if (found === undefined) throw new Error('the first program is not seen');
        return found;
      });
      const own = ['exec', 'fork', 'capability', 'namespace', 'connect', 'exit'];
      const events = session.events.filter(({ cgroupId, kind }) => cgroupId === first.cgroupId && own.includes(kind));
      expect(events[0]).toBe(first);
      expect(first).toMatchObject({ fromOutside: true, containerPid: 1 });
    } finally {
      await started.remove();
      rmSync(folder, { recursive: true });
    }
  });
});

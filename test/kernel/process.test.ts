import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildTestImage, docker, runContainer } from '../support/docker.ts';
import { cgroupIdOf, ofKind, only, SensorSession } from '../support/sensor-session.ts';

let session: SensorSession;

beforeAll(async () => {
  await buildTestImage();
  session = new SensorSession().start();
});

afterAll(() => session.close());

it('reports forks with the identity of the child, and every exit with its status', async () => {
  const events = await session.eventsOf({ command: ['/bin/sh', '-c', "(exit 7); sh -c 'kill -9 $$'; exit 3"] });
  const forks = ofKind(events, 'fork');
  const exits = ofKind(events, 'exit');
  const [init] = ofKind(events, 'exec');
  expect(forks).toHaveLength(2);
  expect(exits).toHaveLength(3);
  for (const fork of forks) {
    expect(fork).toMatchObject({ pid: init?.pid, startKtimeNs: init?.startKtimeNs });
    expect(
      exits.filter((exit) => exit.pid === fork.childPid && exit.startKtimeNs === fork.childStartKtimeNs),
    ).toHaveLength(1);
    expect(fork.childContainerPid).toBeGreaterThan(1);
  }
  expect(exits.map(({ exitCode, exitSignal }) => ({ exitCode, exitSignal }))).toEqual([
    { exitCode: 7, exitSignal: 0 },
    { exitCode: 0, exitSignal: 9 },
    { exitCode: 3, exitSignal: 0 },
  ]);
});

it('does not take a thread for a process', async () => {
  const events = await session.eventsOf({ command: ['/bin/actor', 'thread-exec', '/bin/true'] });
  expect(ofKind(events, 'fork')).toEqual([]);
  expect(only(ofKind(events, 'exit'))).toMatchObject({ exitCode: 0 });
});

it('recognises what is put into a running container from outside', async () => {
  const container = await runContainer({ command: ['/bin/sleep', '60'] });
  try {
    await container.exec(['/bin/sh', '-c', '/bin/actor true; :']);
    const execs = ofKind(await session.eventsOfContainer(container), 'exec');
    expect(execs.map((exec) => [exec.filename, exec.fromOutside])).toEqual([
      ['/bin/sleep', true],
      ['/bin/sh', true],
      ['/bin/actor', false],
    ]);
  } finally {
    await container.remove();
  }
});

it('sees a container’s cgroup come and go', async () => {
  const container = await runContainer({ command: ['/bin/sleep', '60'] });
  const { State } = await docker.getContainer(container.id).inspect();
  const cgroupId = cgroupIdOf(State.Pid);
  await container.remove();
  session.sensor.drain();
  const events = session.events.filter((event) => event.cgroupId === cgroupId);
  expect(only(ofKind(events, 'cgroup-mkdir')).path).toMatch(new RegExp(`${container.id}(\\.scope)?$`));
  expect(only(ofKind(events, 'cgroup-rmdir')).path).toBe(only(ofKind(events, 'cgroup-mkdir')).path);
});

it('adopts the processes of a container that ran before', async () => {
  const container = await runContainer({
    command: ['/bin/sh', '-c', 'while :; do /bin/actor mount; sleep 0.1; done'],
    securityOpt: ['seccomp=unconfined'],
  });
  const late = new SensorSession();
  try {
    const { State } = await docker.getContainer(container.id).inspect();
    late.sensor.tables.adoptProcess(State.Pid);
    late.start();
    const cgroupId = cgroupIdOf(State.Pid);
    await expect
      .poll(
        () =>
          ofKind(late.events, 'capability').filter(
            (event) => event.cgroupId === cgroupId && event.syscallName === 'mount',
          ).length,
        { timeout: 10_000 },
      )
      .toBe(1);
    const execs = ofKind(late.events, 'exec').filter((event) => event.cgroupId === cgroupId);
    expect(execs.every((exec) => !exec.fromOutside)).toBe(true);
  } finally {
    late.close();
    await container.remove();
  }
});

it('is silent about a cgroup that is ignored', async () => {
  const container = await runContainer({
    command: ['/bin/sh', '-c', 'sleep 0.5; while :; do /bin/actor true; sleep 0.05; done'],
  });
  try {
    const { State } = await docker.getContainer(container.id).inspect();
    const cgroupId = cgroupIdOf(State.Pid);
    session.sensor.tables.setVerdict(cgroupId, 'ignore');
    session.sensor.drain();
    const seen = session.events.length;
    await container.exec(['/bin/true']);
    session.sensor.drain();
    expect(ofKind(session.events.slice(seen), 'exec').filter((event) => event.cgroupId === cgroupId)).toEqual([]);
  } finally {
    await container.remove();
  }
});

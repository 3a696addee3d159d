import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExecEvent } from '../../agent/decode/kernel-event.ts';
import { buildTestImage, type RunOptions, runContainer } from '../support/docker.ts';
import { ofKind, only, SensorSession } from '../support/sensor-session.ts';

let session: SensorSession;

beforeAll(async () => {
  await buildTestImage();
  session = new SensorSession().start();
});

afterAll(() => session.close());

/** seccomp's default profile would refuse what these containers do before the kernel has a say. */
const allowed: Partial<RunOptions> = {
  capAdd: ['SYS_ADMIN'],
  securityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
};

async function execOf(script: string, filename: string, options: Partial<RunOptions> = {}): Promise<ExecEvent> {
  const execs = ofKind(await session.eventsOf({ command: ['/bin/sh', '-c', script], ...options }), 'exec');
  return only(execs.filter((exec) => exec.filename === filename));
}

describe('hostile arguments', () => {
  it('of the greatest size there is are cut', async () => {
    const exec = await execOf('/bin/executor long-arguments 10 /bin/true; :', '/bin/true');
    expect(exec).toMatchObject({ argvTruncated: true, cwd: '/', executable: { path: '/bin/busybox' } });
    expect(exec.argv).toHaveLength(2);
    expect(exec.argv[1]).toMatch(/^x{3000,}$/);
  });

  it('that are none do not lead the record astray', async () => {
    const exec = await execOf('cd /tmp; /bin/executor no-arguments /bin/true; :', '/bin/true');
    // Since 5.18 the kernel gives such a program one that is empty.
    expect([[], ['']]).toContainEqual(exec.argv);
    expect(exec).toMatchObject({ argvTruncated: false, cwd: '/tmp' });
  });
});

describe('hostile places', () => {
  it('do not hide the working directory that was removed', async () => {
    const exec = await execOf('mkdir -p /a/b; cd /a/b; rm -r /a; /bin/true; :', '/bin/true');
    expect(exec.cwd).toBe('/a/b');
  });

  it('do not hide the file below a mount', async () => {
    const script = 'mkdir /a; cp /bin/executor /a/x; cd /a; mount -t tmpfs none /a; ./x descriptor /bin/true; :';
    const exec = await execOf(script, './x', allowed);
    expect(exec).toMatchObject({ cwd: '/a', executable: { path: '/a/x', layer: 'writable' } });
  });

  it('do not blind the sensor by a mount over /proc', async () => {
    const exec = await execOf('mount -t tmpfs none /proc; /bin/true; :', '/bin/true', allowed);
    expect(exec).toMatchObject({ executable: { path: '/bin/busybox' }, fromOutside: false });
  });

  it('are told by namespaces of their own', async () => {
    const script = '/bin/breeder unshare /bin/executor session /bin/true; :';
    const events = await session.eventsOf({ command: ['/bin/sh', '-c', script], ...allowed });
    const [shell] = ofKind(events, 'exec');
    const exec = ofKind(events, 'exec').at(-1);
    expect(exec?.filename).toBe('/bin/true');
    for (const name of ['mount', 'pid', 'network'] as const)
      expect(exec?.namespaces[name]).not.toBe(shell?.namespaces[name]);
    expect(exec?.namespaces.user).toBe(shell?.namespaces.user);
    // The first process of the new pid namespace.
    expect(exec).toMatchObject({ containerPid: 1, fromOutside: false, cgroupId: shell?.cgroupId });
  });
});

describe('hostile processes', () => {
  it('that rename themselves are still known by their file', async () => {
    const events = await session.eventsOf({
      command: ['/bin/sh', '-c', `/bin/breeder rename "$(printf 'kworker\\n\\033[2J')" /bin/true; :`],
      securityOpt: ['seccomp=unconfined'],
    });
    const denied = only(ofKind(events, 'capability').filter((event) => event.syscallName === 'mount'));
    expect(denied.comm).toBe('kworker\n\u001b[2J');
    const program = ofKind(events, 'exec').find((exec) => exec.pid === denied.pid);
    expect(program?.executable.path).toBe('/bin/breeder');
  });

  it('that use up all pids are counted one by one, and the sensor goes on', async () => {
    const container = await runContainer({ command: ['/bin/breeder', 'bomb'], pidsLimit: 200 });
    try {
      expect(await container.wait()).toBe(0);
      const forked = Number(await container.logs());
      const events = await session.eventsOfContainer(container);
      expect(forked).toBeGreaterThan(150);
      expect(ofKind(events, 'fork')).toHaveLength(forked);
      const exits = ofKind(events, 'exit');
      expect(exits.filter((exit) => exit.exitSignal === 9)).toHaveLength(forked);
      expect(exits).toHaveLength(forked + 1);
    } finally {
      await container.remove();
    }
    expect((await execOf('/bin/true; :', '/bin/true')).argv).toEqual(['/bin/true']);
  });
});

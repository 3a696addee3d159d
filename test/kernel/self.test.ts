import { execFile } from 'node:child_process';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cgroupIdOf, cgroupRoot, ofKind, SensorSession } from '../support/sensor-session.ts';

const run = promisify(execFile);
let session: SensorSession;

beforeAll(() => {
  session = new SensorSession().start();
});

afterAll(() => session.close());

/** Outside the host's mount namespace, so that nothing but its cgroup keeps a program from being a container's. */
const outsideHostMounts = 'exec unshare --mount sh -c "id >/dev/null; true"';

it('never reports what runs in its own cgroup, its children included', async () => {
  await run('sh', ['-c', outsideHostMounts]);
  session.sensor.drain();
  const own = cgroupIdOf(process.pid);
  expect(session.events.filter((event) => event.cgroupId === own)).toEqual([]);
});

it('reports the same program in another cgroup', async () => {
  const other = join(cgroupRoot(), `tallyman-self-${process.pid}`);
  mkdirSync(other);
  try {
    await run('sh', ['-c', `echo $$ > ${other}/cgroup.procs; ${outsideHostMounts}`]);
    session.sensor.drain();
    const births = ofKind(session.events, 'cgroup-mkdir').filter((event) => other.endsWith(event.path));
    const execs = ofKind(session.events, 'exec').filter((event) => event.cgroupId === births[0]?.cgroupId);
    expect(execs.map((event) => event.argv[0])).toContain('id');
  } finally {
    rmdirSync(other);
  }
});

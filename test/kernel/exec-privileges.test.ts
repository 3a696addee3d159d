import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExecEvent } from '../../agent/decode/kernel-event.ts';
import { buildTestImage, type RunOptions } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { ofKind, only, SensorSession } from '../support/sensor-session.ts';

let session: SensorSession;

beforeAll(async () => {
  await buildTestImage();
  session = new SensorSession().start();
  // Executions that may have begun before the hook was there are unknown, so it takes some seconds until all are known.
  await eventually(async () => expect(only(await execsOf('/bin/sh')).before).toBeDefined());
});

afterAll(() => session.close());

async function execsOf(filename: string, script = ':', options: Partial<RunOptions> = {}): Promise<ExecEvent[]> {
  const events = await session.eventsOf({ command: ['/bin/sh', '-c', script], ...options });
  return ofKind(events, 'exec').filter((exec) => exec.filename === filename);
}

const dockerDefault = 0xa80425fbn;
const netRaw = 1n << 13n;
const root = { uid: 0, gid: 0, euid: 0, egid: 0, suid: 0, sgid: 0 };
const nobody = { uid: 65534, gid: 65534, euid: 65534, egid: 65534, suid: 65534, sgid: 65534 };

describe('privileges before and after exec', () => {
  it('are the same where the program changes nothing', async () => {
    const exec = only(await execsOf('/bin/actor', '/bin/actor true; :'));
    expect(exec.before).toEqual({ credentials: root, capabilities: exec.capabilities });
    expect(exec).toMatchObject({ credentials: root, secureExec: false });
  });

  it('show that a setuid program took effect', async () => {
    const script = 'cp /bin/actor /s; chmod 4755 /s; /bin/su -s /bin/sh nobody -c "/s true"; :';
    const exec = only(await execsOf('/s', script));
    expect(exec).toMatchObject({
      secureExec: true,
      executable: { setuid: true },
      credentials: { ...nobody, euid: 0, suid: 0 },
      before: { credentials: nobody },
    });
    expect(exec.before?.capabilities).toMatchObject({ permitted: 0n, effective: 0n, bounding: dockerDefault });
    expect(exec.capabilities).toMatchObject({ permitted: dockerDefault, effective: dockerDefault });
  });

  it('show that a setgid program took effect', async () => {
    const script = 'cp /bin/actor /s; chown 0:33 /s; chmod 2755 /s; /bin/su -s /bin/sh nobody -c "/s true"; :';
    const exec = only(await execsOf('/s', script));
    expect(exec).toMatchObject({
      secureExec: true,
      executable: { setuid: false, setgid: true },
      credentials: { ...nobody, egid: 33, sgid: 33 },
      before: { credentials: nobody },
    });
    expect(exec.capabilities.permitted).toBe(0n);
  });

  it('show that file capabilities took effect', async () => {
    const script = `cp /bin/actor /s; /bin/executor capabilities /s ${netRaw.toString(16)}; /bin/su -s /bin/sh nobody -c "/s true"; :`;
    const exec = only(await execsOf('/s', script));
    expect(exec).toMatchObject({
      secureExec: true,
      executable: { setuid: false, setgid: false },
      credentials: nobody,
      before: { credentials: nobody, capabilities: { permitted: 0n, effective: 0n } },
      capabilities: { permitted: netRaw, effective: netRaw },
    });
  });

  it('show that no_new_privileges keeps a setuid program from taking effect', async () => {
    const script = 'cp /bin/actor /s; chmod 4755 /s; /bin/su -s /bin/sh nobody -c "/s true"; :';
    const exec = only(await execsOf('/s', script, { securityOpt: ['no-new-privileges'] }));
    expect(exec).toMatchObject({
      secureExec: false,
      executable: { setuid: true },
      credentials: nobody,
      before: { credentials: nobody },
    });
  });

  it('show that a program without file capabilities loses those of the one before it', async () => {
    const copied = `cp /bin/executor /s; /bin/executor capabilities /s ${netRaw.toString(16)}`;
    const execs = ofKind(
      await session.eventsOf({
        command: ['/bin/sh', '-c', `${copied}; /bin/su -s /bin/sh nobody -c "/s descriptor /bin/actor true"; :`],
      }),
      'exec',
    );
    expect(execs.at(-1)).toMatchObject({
      executable: { path: '/bin/actor' },
      secureExec: false,
      before: { credentials: nobody, capabilities: { permitted: netRaw } },
      capabilities: { permitted: 0n, effective: 0n },
    });
  });

  it('show that the runtime has given up its own before the container’s first program', async () => {
    const first = only(await execsOf('/bin/sh', ':', { user: '33:44' }));
    expect(first).toMatchObject({
      fromOutside: true,
      credentials: { uid: 33, euid: 33 },
      before: { credentials: { uid: 33 } },
    });
    expect(first.before?.capabilities.permitted).toBe(0n);
    expect(first.capabilities.permitted).toBe(0n);
  });

  it('are those of the process where a thread executes', async () => {
    const exec = (await execsOf('/bin/true', '/bin/executor threads 3 /bin/true; :')).at(-1);
    expect(exec?.formerTid).not.toBe(exec?.pid);
    expect(exec?.before?.credentials).toEqual(root);
  });
});

import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FileEvent } from '../../agent/decode/kernel-event.ts';
import { cgroupMounts } from '../../agent/files/node-places.ts';
import { docker, type TestContainer } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { type AttributedFileEvent, buildFilesImage, FilesLab, removeFilesImage } from '../support/files-lab.ts';

let lab: FilesLab;
let container: TestContainer;

beforeAll(async () => {
  await buildFilesImage();
  lab = await new FilesLab().start();
  container = await lab.run();
});
afterAll(async () => {
  await lab.close();
  await removeFilesImage();
});

const did = (script: string): Promise<AttributedFileEvent[]> => lab.did(container, script);

/** The program, as busybox tells it by argv, the operation and the path. */
function facts(events: readonly AttributedFileEvent[]): string[] {
  return events.map(({ event, execution }) => {
    const target = event.target === '' ? '' : ` ${event.target}`;
    return `${execution?.argv[0] ?? '?'} ${event.operation} ${event.path}${target}`;
  });
}

function only(events: readonly AttributedFileEvent[], operation: FileEvent['operation']): AttributedFileEvent {
  const found = events.filter(({ event }) => event.operation === operation);
  expect(facts(found)).toHaveLength(1);
  return found[0] as AttributedFileEvent;
}

describe('sensitive files', () => {
  it('are seen being opened and read, with process, container and category', async () => {
    const { event, execution, attribution, container: owner } = only(await did('/bin/cat /etc/shadow'), 'read');
    expect(event).toMatchObject({
      kind: 'file',
      path: '/etc/shadow',
      category: 'credential',
      watchedPath: '/etc/shadow',
      target: '',
      repeats: 0,
      comm: 'cat',
      pid: execution?.pid,
      startKtimeNs: execution?.startKtimeNs,
    });
    expect(execution).toMatchObject({ argv: ['/bin/cat', '/etc/shadow'], containerId: container.id });
    expect(owner.id).toBe(container.id);
    expect(attribution).toBe('complete');
  });

  it('are seen being changed, also after the first write has copied them into the writable layer', async () => {
    expect(facts(await did('echo x >> /etc/shadow'))).toContain('sh write /etc/shadow');
    expect(facts(await did('/bin/cp /etc/shadow /data/copy'))).toEqual([
      '/bin/cp open /etc/shadow',
      '/bin/cp read /etc/shadow',
    ]);
  });

  it('are followed to the file that replaces them', async () => {
    const events = await did(
      'cp /etc/shadow /data/new; mv /data/new /etc/shadow; sleep 2.5; /bin/dd if=/etc/shadow of=/data/x',
    );
    const renamed = only(events, 'rename').event;
    expect(renamed).toMatchObject({ path: '/etc/shadow', category: 'credential', fileType: 'regular' });
    expect(facts(events)).toContain('/bin/dd read /etc/shadow');
  });

  it('are recognised by another name', async () => {
    const events = await did('ln /etc/shadow /tmp/other; ln -s /etc/shadow /tmp/soft; chmod 640 /tmp/other');
    expect(only(events, 'link').event).toMatchObject({
      path: '/tmp/other',
      target: '/etc/shadow',
      targetCategory: 'credential',
      category: 'scratch',
    });
    expect(only(events, 'symlink').event).toMatchObject({
      path: '/tmp/soft',
      target: '/etc/shadow',
      targetCategory: 'credential',
      fileType: 'symlink',
    });
    const read = only(await did('/bin/cat /tmp/other'), 'read').event;
    expect(read).toMatchObject({ path: '/tmp/other', watchedPath: '/etc/shadow', category: 'credential' });
  });

  it('are seen in procfs, where the kernel takes marks there', async () => {
    expect(facts(await did('/bin/cat /proc/1/environ > /dev/null'))).toContain('/bin/cat read /proc/1/environ');
  });

  it('are private keys, each by its name', async () => {
    const events = await did('/bin/cat /root/.ssh/id_ed25519');
    expect(only(events, 'read').event).toMatchObject({ path: '/root/.ssh/id_ed25519', category: 'ssh-key' });
  });
});

describe('directories', () => {
  it('show what is planted, changed, renamed and deleted', async () => {
    const events = await did(
      'echo "* * * * * root x" > /etc/cron.d/job; sleep 0.3; /bin/mv /etc/cron.d/job /etc/cron.d/job2; /bin/rm /etc/cron.d/job2',
    );
    expect(facts(events)).toEqual([
      'sh create /etc/cron.d/job',
      'sh write /etc/cron.d/job',
      '/bin/mv rename /etc/cron.d/job2 /etc/cron.d/job',
      '/bin/rm delete /etc/cron.d/job2',
    ]);
    expect(new Set(events.map(({ event }) => event.category))).toEqual(new Set(['cron']));
  });

  it('show a library that is to be loaded into every program', async () => {
    const [created] = await did('echo /tmp/x.so > /etc/ld.so.preload; rm /etc/ld.so.preload');
    expect(created?.event).toMatchObject({ operation: 'create', path: '/etc/ld.so.preload', category: 'preload' });
  });

  it('show the setuid bit, an executable, and nothing of ordinary temporary files', async () => {
    const events = await did(
      '/bin/cp /bin/busybox /tmp/x; echo y > /tmp/plain; sleep 0.3; /bin/chmod 4755 /tmp/x; rm /tmp/plain',
    );
    expect(facts(events)).toEqual(['/bin/cp write /tmp/x', '/bin/chmod chmod /tmp/x']);
    expect(only(events, 'chmod').event).toMatchObject({ mode: 0o4755, fileType: 'regular', category: 'scratch' });
  });

  it('show devices and planted programs', async () => {
    const events = await did('mknod /dev/disk b 7 0; cp /bin/busybox /usr/bin/ps');
    expect(only(events, 'mknod').event).toMatchObject({
      path: '/dev/disk',
      fileType: 'block-device',
      category: 'device',
    });
    expect(only(events, 'write').event).toMatchObject({ path: '/usr/bin/ps', category: 'program', mode: 0o755 });
  });

  it('show logs being emptied and deleted, not being written', async () => {
    const events = await did('echo line >> /var/log/auth.log; sleep 0.2; : > /var/log/auth.log');
    expect(facts(events)).toEqual(['sh truncate /var/log/auth.log']);
    expect(events[0]?.event).toMatchObject({ sizeBytes: 0, category: 'log' });
    expect(facts(await did('/bin/rm /var/log/auth.log'))).toEqual(['/bin/rm delete /var/log/auth.log']);
  });

  it('are taken up when they appear', async () => {
    await did('mkdir -p /home/bob/.ssh');
    const events = await did('sleep 2.5; echo key > /home/bob/.ssh/authorized_keys');
    expect(facts(events)).toContain('sh write /home/bob/.ssh/authorized_keys');
  });

  it('that appear with something in them show that too, though not by whom', async () => {
    const events = await did('mkdir -p /etc/cron.hourly; echo x > /etc/cron.hourly/a; sleep 2.5');
    const planted = events.filter(({ event }) => event.path === '/etc/cron.hourly/a');
    expect(planted.length).toBeGreaterThan(0);
    for (const { execution, attribution } of planted) expect(attribution === 'partial').toBe(execution === undefined);
  });
});

describe('what is left out', () => {
  it('is every other file', async () => {
    expect(
      facts(await did('/bin/cat /usr/share/doc/readme; echo x > /data/file; cat /etc/hosts.allow; ls /etc /root')),
    ).toEqual([]);
  });

  it('is /dev/null where it hides a file, as runtimes do in /proc', async () => {
    const hiding = await lab.run({ binds: ['/dev/null:/root/.netrc'] });
    expect(facts(await lab.did(hiding, '/bin/cat /root/.netrc'))).toEqual([]);
  });

  it('is what the node does to the files of a container', async () => {
    const before = await lab.metrics.registry.getSingleMetricAsString('tallyman_agent_file_changes_total');
    const pid = lab.of(container)[0]?.container.initPid;
    writeFileSync(`/proc/${pid}/root/etc/cron.d/from-the-node`, 'x');
    const events = await did('true');
    expect(facts(events)).toEqual([]);
    const after = await lab.metrics.registry.getSingleMetricAsString('tallyman_agent_file_changes_total');
    expect(after).toContain('by="host"');
    expect(after).not.toBe(before);
  });
});

describe('the life of a container', () => {
  it('is followed through a restart', async () => {
    const restarted = await lab.run();
    await lab.did(restarted, 'true');
    await docker.getContainer(restarted.id).restart({ t: 0 });
    await eventually(async () => {
      await restarted.exec(['/bin/cat', '/etc/shadow']);
      expect(facts(lab.of(restarted))).toContain('/bin/cat read /etc/shadow');
    });
  });

  it('leaves nothing behind at its end', async () => {
    const before = openGroups();
    const short = await lab.run();
    expect(openGroups()).toBe(before + 1);
    await short.remove();
    await eventually(() => expect(openGroups()).toBe(before));
    expect(lab.watch.watches(short.id)).toBe(false);
  });

  it('may have begun before the agent', async () => {
    const other = await new FilesLab().start();
    try {
      await eventually(() => expect(other.watch.watches(container.id)).toBe(true));
      const events = await other.did(container, 'echo x > /etc/cron.d/late');
      expect(facts(events)).toContain('sh create /etc/cron.d/late');
    } finally {
      await other.close();
    }
  });
});

describe('a file that two containers share', () => {
  it('is told of the container whose process it was', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tallyman-shared-'));
    writeFileSync(join(folder, 'credentials'), 'secret\n');
    try {
      const binds = [`${folder}:/root/.aws`];
      const [one, two] = [await lab.run({ binds }), await lab.run({ binds })];
      await lab.did(one, '/bin/cat /root/.aws/credentials');
      await lab.did(two, 'true');
      expect(facts(lab.of(one))).toContain('/bin/cat read /root/.aws/credentials');
      expect(facts(lab.of(two)).filter((fact) => fact.includes('.aws'))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a container that wants to lead out', () => {
  it('is not followed through symbolic links to files of the node', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tallyman-outside-'));
    writeFileSync(join(folder, 'credentials'), 'of the node\n');
    try {
      await did(`rm -rf /root/.aws; ln -s ${folder} /root/.aws; mkdir -p /home/bob/x; sleep 2.5`);
      const before = lab.events.length;
      readFileSync(join(folder, 'credentials'));
      await did('true');
      expect(lab.events.slice(before).filter(({ event }) => event.path.includes('credentials'))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('settings by which the kernel runs programs on the node', () => {
  // Opened for writing and closed again: nothing is changed.
  it('are seen under the path where the node’s /proc is mounted', async () => {
    const escaping = await lab.run({ binds: ['/proc:/data'] });
    await lab.did(escaping, '/bin/dd if=/dev/null of=/data/sys/kernel/core_pattern');
    const events = await eventually(() => {
      const settings = lab.of(escaping).filter(({ event }) => event.category === 'kernel-setting');
      expect(facts(settings)).toEqual(['/bin/dd write /data/sys/kernel/core_pattern']);
      return settings;
    });
    expect(events[0]?.event.watchedPath).toBe('/proc/sys/kernel/core_pattern');
  });

  it('are seen where the container mounts a cgroup hierarchy itself', async () => {
    const options = { capAdd: ['SYS_ADMIN'], securityOpt: ['seccomp=unconfined', 'apparmor=unconfined'] };
    const escaping = await lab.run(options);
    const [controller] = cgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8')).map((path) => basename(path));
    expect(controller, 'a cgroup v1 hierarchy on this machine').toBeDefined();
    await lab.did(escaping, `mount -t cgroup -o ${controller} x /data && /bin/dd if=/dev/null of=/data/release_agent`);
    await eventually(() => expect(facts(lab.of(escaping))).toContain('/bin/dd write /data/release_agent'));
  });
});

describe('a storm', () => {
  it('costs its place the marks for a while, with a gap, and nothing elsewhere', async () => {
    const small = await new FilesLab({ budget: { burst: 300, perSecond: 50 }, muteMs: 500 }).start();
    try {
      const busy = await small.run();
      const other = await small.run();
      await busy.exec(['sh', '-c', 'for i in $(seq 3000); do : > /tmp/$i; done']);
      expect(facts(await small.did(other, '/bin/cp /bin/busybox /tmp/evil'))).toEqual(['/bin/cp write /tmp/evil']);
      expect(facts(await small.did(busy, 'echo x > /etc/cron.d/quiet'))).toContain('sh create /etc/cron.d/quiet');
      const gap = await eventually(() => {
        const found = small.gaps.find(({ containerIds }) => containerIds.includes(busy.id));
        expect(found).toBeDefined();
        return found;
      });
      expect(gap).toMatchObject({ hop: 'fanotify', type: 'file', containerIds: [busy.id] });
      expect(gap?.reason).toContain('/tmp');
      expect(gap?.count).toBeGreaterThan(0n);
      expect(gap?.toUnixNs).toBeGreaterThan(gap?.fromUnixNs ?? 0n);
      await eventually(async () => {
        const events = await small.did(busy, '/bin/cp /bin/busybox /tmp/after; /bin/rm /tmp/after');
        expect(facts(events)).toContain('/bin/cp write /tmp/after');
      });
    } finally {
      await small.close();
    }
  });
});

/** fanotify groups that this process holds. */
function openGroups(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('fanotify');
    } catch {
      return false;
    }
  }).length;
}

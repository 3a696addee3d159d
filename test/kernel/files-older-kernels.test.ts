import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestContainer } from '../support/docker.ts';
import { type AttributedFileEvent, buildFilesImage, FilesLab, removeFilesImage } from '../support/files-lab.ts';

/** The way files are watched where overlayfs has no identities (before Linux 6.6): any kernel can be asked to do it so. */
let lab: FilesLab;
let container: TestContainer;

beforeAll(async () => {
  await buildFilesImage();
  lab = await new FilesLab({ way: 'descriptors' }).start();
  container = await lab.run();
});
afterAll(async () => {
  await lab.close();
  await removeFilesImage();
});

const did = (script: string): Promise<AttributedFileEvent[]> => lab.did(container, script);

function facts(events: readonly AttributedFileEvent[]): string[] {
  return events.map(({ event, execution, attribution }) => {
    const target = event.target === '' ? '' : ` ${event.target}`;
    return `${execution?.argv[0] ?? attribution} ${event.operation} ${event.path}${target}`;
  });
}

describe('by descriptors', () => {
  it('sensitive files are seen being read, with the process', async () => {
    const events = await did('/bin/cat /etc/shadow; /bin/cat /root/.ssh/id_ed25519');
    expect(facts(events)).toContain('/bin/cat read /etc/shadow');
    expect(facts(events)).toContain('/bin/cat read /root/.ssh/id_ed25519');
    const read = events.find(({ event }) => event.operation === 'read');
    expect(read).toMatchObject({
      attribution: 'complete',
      event: { category: 'credential', watchedPath: '/etc/shadow' },
    });
  });

  it('files are seen being written in watched directories, with the process', async () => {
    const events = await did('/bin/cp /etc/group /etc/cron.d/job; /bin/cp /bin/busybox /tmp/x; echo x > /tmp/plain');
    expect(facts(events)).toContain('/bin/cp write /etc/cron.d/job');
    expect(facts(events)).toContain('/bin/cp write /tmp/x');
    expect(facts(events).filter((fact) => fact.includes('plain'))).toEqual([]);
  });

  it('names are seen coming, going and changing, without the process', async () => {
    const events = await did(
      'ln -s /etc/shadow /tmp/soft; mv /tmp/x /tmp/y; chmod 4755 /tmp/y; rm /etc/cron.d/job; mknod /dev/disk b 7 0',
    );
    const byNobody = facts(events);
    expect(byNobody).toContain('partial symlink /tmp/soft /etc/shadow');
    expect(byNobody).toContain('partial rename /tmp/y /tmp/x');
    expect(byNobody).toContain('partial chmod /tmp/y');
    expect(byNobody).toContain('partial delete /etc/cron.d/job');
    expect(byNobody).toContain('partial mknod /dev/disk');
    for (const { missing } of events) expect(missing).toEqual(['process']);
  });

  it('other files are not seen', async () => {
    expect(facts(await did('/bin/cat /usr/share/doc/readme; echo x > /data/file; ls /etc /root'))).toEqual([]);
  });
});

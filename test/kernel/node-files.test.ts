import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseWatchList } from '../../agent/files/watch-list.ts';
import type { TestContainer } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { type AttributedFileEvent, buildFilesImage, FilesLab, removeFilesImage } from '../support/files-lab.ts';

const node = mkdtempSync(join(tmpdir(), 'tallyman-node-'));
const list = parseWatchList(
  `watched: [{ category: config, why: the end of a script, directories: [/etc], operations: [delete] }]
node:
  - { category: node-secret, why: a secret, files: [${node}/secrets/*.key], operations: [read] }
  - { category: node-file, why: a program, files: [${node}/runc], operations: [write] }
  - { category: node-file, why: units, directories: [${node}/units], operations: [write] }
`,
  'test',
);
let lab: FilesLab;
let container: TestContainer;

beforeAll(async () => {
  for (const folder of ['secrets', 'units']) mkdirSync(join(node, folder));
  for (const file of ['secrets/ca.key', 'secrets/ca.crt', 'runc']) writeFileSync(join(node, file), 'of the node\n');
  await buildFilesImage();
  lab = await new FilesLab({ list, budget: { burst: 5, perSecond: 2 }, muteMs: 500 }).start();
  container = await lab.run({ binds: [`${node}:/data`] });
});

afterAll(async () => {
  await lab.close();
  await removeFilesImage();
  rmSync(node, { recursive: true });
});

function facts(events: readonly AttributedFileEvent[]): string[] {
  return events
    .filter(({ event }) => event.category.startsWith('node-'))
    .map(({ event, execution }) => {
      const { operation, path, category, watchedPath } = event;
      return `${execution?.argv[0]} ${operation} ${path} ${category} ${watchedPath.replace(node, '')}`;
    });
}

it('tells what a container does to files of the node, under the path where they are mounted', async () => {
  const events = await lab.did(
    container,
    '/bin/cat /data/secrets/ca.key /data/secrets/ca.crt /data/runc; echo x >> /data/runc; echo x > /data/units/job',
  );
  expect(facts(events)).toEqual([
    '/bin/cat read /data/secrets/ca.key node-secret /secrets/ca.key',
    'sh write /data/runc node-file /runc',
    'sh write /data/units/job node-file /units',
  ]);
  for (const { container: owner, attribution } of events)
    expect([owner.id, attribution]).toEqual([container.id, 'complete']);
});

it('tells nothing of what the node does to them', async () => {
  const before = lab.events.length;
  readFileSync(join(node, 'secrets/ca.key'));
  appendFileSync(join(node, 'units/job'), 'x');
  expect(facts(await lab.did(container, 'true'))).toEqual([]);
  expect(facts(lab.events.slice(before))).toEqual([]);
});

it('leaves a place alone where too much happens, says so, comes back, and takes up what was replaced', async () => {
  writeFileSync(join(node, 'new'), 'another one\n');
  renameSync(join(node, 'new'), join(node, 'secrets/ca.key'));
  await lab.did(container, 'for i in $(seq 40); do /bin/dd if=/dev/zero of=/data/runc bs=1 count=1; done');
  await eventually(() => {
    const gap = lab.gaps.find(({ reason }) => reason.includes(`${node}/runc of the node`));
    expect(gap).toMatchObject({ hop: 'fanotify', type: 'file', ongoing: false });
  });
  await eventually(async () => {
    const events = await lab.did(container, '/bin/cp /etc/passwd /data/runc');
    expect(facts(events)).toContain('/bin/cp write /data/runc node-file /runc');
  });
  expect(facts(await lab.did(container, '/bin/dd if=/data/secrets/ca.key of=/dev/null'))).toEqual([
    '/bin/dd read /data/secrets/ca.key node-secret /secrets/ca.key',
  ]);
});

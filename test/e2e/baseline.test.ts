import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../cli/test-support/run-cli.ts';
import { buildBusyboxImage, removeImage } from '../support/busybox-image.ts';
import { runContainer, type TestContainer } from '../support/docker.ts';
import { startTallyman, type TallymanProcess } from '../support/tallyman.ts';

const repository = 'tallyman-baseline-test';
/** What the workload does all the time, and what it does only when it is told to. */
const script = 'while :; do [ -e /tmp/go ] && { rm /tmp/go; actor >/dev/null 2>&1; }; sleep 0.3; done';
const waiting = { timeout: 60_000, interval: 300 };

interface Listed {
  id: string;
  state: string;
  reason: string;
  digest: string;
  workload: string;
  containers: number;
}

describe('a baseline of a real container', () => {
  let tallyman: TallymanProcess;
  const containers: TestContainer[] = [];

  beforeAll(async () => {
    const image = {
      applets: ['sh', 'sleep', 'rm', 'touch', 'ls'],
      programs: ['actor'] as const,
      folders: ['tmp'],
      files: {},
    };
    await buildBusyboxImage({ ...image, reference: `${repository}:1` });
    await buildBusyboxImage({ ...image, reference: `${repository}:2`, files: { 'etc/release': '2' } });
    tallyman = await startTallyman(['--baseline-time', '6s']);
    // Only what starts a while after the agent counts as seen from its start.
    await sleep(3_000);
  });
  afterAll(async () => {
    for (const container of containers) await container.remove();
    await tallyman?.stop();
    for (const tag of ['1', '2']) await removeImage(`${repository}:${tag}`);
  });

  async function run(tag: string): Promise<TestContainer> {
    const name = 'tallyman-baseline-shop';
    const container = await runContainer({ name, image: `${repository}:${tag}`, command: ['sh', '-c', script] });
    containers.push(container);
    return container;
  }

  const cli = (...args: string[]) => runCli(['baseline', ...args], { TALLYMAN_API: tallyman.api });

  async function list(): Promise<Listed[]> {
    const { code, stdout, stderr } = await cli('list', '--json', `docker.io/library/${repository}`);
    if (code !== 0) throw new Error(stderr);
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Listed]));
  }

  async function unexpectedOf(container: TestContainer): Promise<string[]> {
    const answer = await fetch(`${tallyman.api}/api/v1/alerts?container=${container.id}`);
    const { alerts } = (await answer.json()) as { alerts: { data: { finding_info: { analytic: { uid: string } } } }[] };
    return alerts.map(({ data }) => data.finding_info.analytic.uid).filter((rule) => rule.includes('unexpected'));
  }

  it('is learned, alerts on what is not in it, and survives redeploys and a new image', async () => {
    const first = await run('1');
    await expect.poll(list, waiting).toMatchObject([{ state: 'learning', workload: 'tallyman-baseline-shop' }]);
    await expect.poll(list, waiting).toMatchObject([{ state: 'ready', containers: 1 }]);
    expect(await unexpectedOf(first)).toEqual([]);

    await first.exec(['touch', '/tmp/go']);
    await expect.poll(() => unexpectedOf(first), waiting).toContain('exec-unexpected');
    const { version } = JSON.parse((await cli('show', 'tallyman-baseline-shop', '--json')).stdout) as {
      version: string;
    };
    const alerts = await fetch(`${tallyman.api}/api/v1/alerts?container=${first.id}&rule=exec-unexpected`);
    expect(await alerts.text()).toContain(version);
    const shown = await cli('show', 'tallyman-baseline-shop');
    expect(shown.stdout).toMatch(/● ready {2}tallyman-baseline-shop/);
    expect(shown.stdout).toMatch(/candidates:[\s\S]*executable \/bin\/actor from \/bin\/busybox: actor/);

    // Restarted under the same name: it goes on where it was.
    await first.remove();
    const second = await run('1');
    await expect.poll(list, waiting).toMatchObject([{ state: 'ready', containers: 2 }]);
    expect(await unexpectedOf(second)).toEqual([]);

    // What a person accepts is expected from then on.
    const file = join(tallyman.dataDir, 'shop.yaml');
    expect((await cli('export', 'tallyman-baseline-shop', '-o', file)).code).toBe(0);
    const [before] = await list();
    expect((await cli('apply', file)).stderr).toMatch(/^0 added, 0 removed/);
    const line = '  - path: /bin/actor\n    parent: /bin/busybox\n';
    writeFileSync(file, readFileSync(file, 'utf8').replace('executables:\n', `executables:\n${line}`));
    expect((await cli('apply', file, '--dry-run')).stdout).toBe(
      '+ executable /bin/actor from /bin/busybox: any arguments\n',
    );
    expect((await cli('apply', file)).code).toBe(0);
    expect((await cli('apply', file)).stderr).toMatch(/0 added, 0 removed/);
    expect(before?.state).toBe('ready');
    await sleep(1_000);
    await second.exec(['touch', '/tmp/go']);
    await expect.poll(() => second.exec(['ls', '/tmp']), waiting).toBe('');
    await sleep(1_000);
    expect(await unexpectedOf(second)).toEqual([]);

    await second.remove();
    await run('2');
    await expect.poll(async () => (await list()).map(({ state }) => state), waiting).toEqual(['ready', 'ready']);
    const digests = new Set((await list()).map(({ digest }) => digest));
    expect(digests.size).toBe(2);
  }, 180_000);
});

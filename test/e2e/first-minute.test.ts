import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoSteps } from '../../cli/demo/steps.ts';
import { runCli } from '../../cli/test-support/run-cli.ts';
import { docker } from '../support/docker.ts';
import type { TallymanProcess } from '../support/tallyman.ts';
import { startTallyman } from '../support/tallyman.ts';

let tallyman: TallymanProcess;
let natsUrl: string;

beforeAll(async () => {
  tallyman = await startTallyman(['--utc']);
  natsUrl = /nats:\/\/[0-9.:]+/.exec(tallyman.output())?.[0] ?? '';
});
afterAll(() => tallyman?.stop());

/** Pids of nats-server processes whose store is in this run's data directory. */
async function natsServers(): Promise<string[]> {
  const { readdirSync, readFileSync } = await import('node:fs');
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || !existsSync(`/proc/${pid}/cmdline`)) return false;
    try {
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return commandLine.includes('nats-server') && commandLine.includes(tallyman.dataDir);
    } catch {
      return false;
    }
  });
}

describe('the first minute', () => {
  it('shows one screen: hooks, runtimes, where alerts go, where to ask', () => {
    const screen = tallyman.output();
    expect(screen).toMatch(/^Tallyman \S+ watches /);
    expect(screen).toContain('exec tp_btf/sched_process_exec');
    expect(screen).toMatch(/runtimes {4}docker /);
    expect(screen).toContain(`${natsUrl} (nats-server started here)`);
    expect(screen).toContain(tallyman.api);
    expect(screen.split('\n').length).toBeLessThan(30);
    // What runs stays in the log.
    expect(screen).not.toContain('"level"');
    expect(tallyman.log()).toContain('"level"');
  });

  it('demo misbehaves in as many ways as it says, each is seen, and it leaves nothing behind', async () => {
    const demo = await runCli(['demo']);
    expect(demo).toMatchObject({ code: 0, stderr: '' });
    for (const { says } of demoSteps) expect(demo.stdout).toContain(says);
    expect(demo.stdout).toContain('container removed, image too');

    const rules = demoSteps.flatMap(({ rule }) => rule.split(', and '));
    await expect
      .poll(async () => Object.keys(await alertsByRule()), { timeout: 20_000 })
      .toEqual(expect.arrayContaining(rules));
    for (const rule of rules) expect(tallyman.output()).toMatch(new RegExp(`^● [A-Z]+ {2}${rule} {2}`, 'm'));

    const left = await docker.listContainers({ all: true, filters: { label: ['io.tallyman.demo'] } });
    expect(left).toEqual([]);
    const images = await docker.listImages({ filters: { reference: ['tallyman-demo'] } });
    expect(images).toEqual([]);
  });

  it('alert, containers and image tell of it', async () => {
    const drift = (await alertsByRule())['exec-drift'];
    const told = await runCli(['alert', String(drift?.id).slice(0, 13), '--api', tallyman.api]);
    expect(told.stdout).toContain('/tmp/busybox-miner sleep 1');
    expect(told.stdout).toContain('other alerts of this container');
    const listed = await runCli(['containers', '--all', '--api', tallyman.api]);
    expect(listed.stdout).toMatch(/tallyman-demo-\d+ +docker +exited/);
    const image = await runCli(['image', 'tallyman-demo:latest', '--api', tallyman.api]);
    expect(image.stdout).toMatch(/signature +\? unknown/);
  });

  it('stops what it started, and says so', async () => {
    expect(await natsServers()).toHaveLength(1);
    expect(await tallyman.stop()).toBe(0);
    expect(tallyman.output()).toContain('agent stopped\ncollector stopped\nnats-server stopped');
    expect(await natsServers()).toEqual([]);
  });
});

interface Event {
  id: string;
  data: { finding_info: { analytic: { uid: string } } };
}

async function alertsByRule(): Promise<Record<string, Event>> {
  const { stdout } = await runCli(['alerts', '--json', '--nats-url', natsUrl]);
  const events = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Event);
  return Object.fromEntries(events.map((event) => [event.data.finding_info.analytic.uid, event]));
}

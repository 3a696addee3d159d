import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../cli/test-support/run-cli.ts';
import { buildTestImage, runContainer } from '../support/docker.ts';
import { startTallyman, type TallymanProcess } from '../support/tallyman.ts';

let folder = '';
beforeAll(async () => {
  await buildTestImage();
  folder = mkdtempSync(join(tmpdir(), 'tallyman-live-rules-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A rule on a program that no shipped rule is about. */
function rule(id: string, more = ''): string {
  const head = `id: ${id}\ntitle: T\ndescription: D\nseverity: high\non: exec\nwhen: process.program == 'id'\n`;
  return `${head}summary: "{process.program} ran in {container.name}"\nremediation: R\n${more}`;
}

async function runId(): Promise<string> {
  const container = await runContainer({ command: ['id'] });
  await container.wait();
  await container.remove();
  return container.id;
}

describe('rules that change while the agent runs', () => {
  let tallyman: TallymanProcess;
  const rules = (): string => join(folder, 'rules');

  beforeAll(async () => {
    const { mkdirSync } = await import('node:fs');
    mkdirSync(rules());
    writeFileSync(join(rules(), 'first.yaml'), rule('first-rule').replace("'id'", "'nothing'"));
    tallyman = await startTallyman(['--rules', rules()]);
  });
  afterAll(() => tallyman?.stop());

  /** Ids of the rules that alerted about one run of the program. */
  async function rulesAbout(containerId: string): Promise<string[]> {
    const answer = await fetch(`${tallyman.api}/api/v1/alerts?container=${containerId}`);
    const { alerts } = (await answer.json()) as { alerts: { data: { finding_info: { analytic: { uid: string } } } }[] };
    return alerts.map((alert) => alert.data.finding_info.analytic.uid).filter((id) => id.endsWith('-rule'));
  }

  it('takes a new rule, keeps it while a file is broken, and follows an override', async () => {
    writeFileSync(join(rules(), 'second.yaml'), rule('second-rule'));
    await expect.poll(async () => rulesAbout(await runId()), { interval: 500 }).toEqual(['second-rule']);

    writeFileSync(join(rules(), 'broken.yaml'), rule('broken-rule').replace('process.program', 'process.programme'));
    await expect.poll(() => tallyman.log()).toMatch(/rule files refused.*|broken\.yaml:6:7: unknown field/);
    const stillSeen = await runId();
    await expect.poll(() => rulesAbout(stillSeen)).toEqual(['second-rule']);

    rmSync(join(rules(), 'broken.yaml'));
    writeFileSync(
      join(rules(), 'overrides.yaml'),
      'overrides:\n  - { rule: second-rule, reason: Enough of it., enabled: false }\n',
    );
    writeFileSync(join(rules(), 'first.yaml'), rule('first-rule'));
    await expect.poll(async () => rulesAbout(await runId()), { interval: 500 }).toEqual(['first-rule']);
  });
});

describe('tallyman record', () => {
  it('writes events that rules find the same in later, for its owner only', async () => {
    const file = join(folder, 'events.jsonl');
    const child = spawn('./tallyman', ['record', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    await expect.poll(() => said).toMatch(/recording \d+ containers to/);
    const container = await runContainer({ command: ['sh', '-c', 'cp /bin/busybox /tmp/x; /tmp/x true; /bin/id'] });
    await container.wait();
    const { name } = container;
    await container.remove();
    // What the container did is read from the ring buffer before the end at the latest.
    child.kill('SIGINT');
    await once(child, 'exit');
    expect(said).toMatch(/\n[1-9]\d* events, [\d.]+ MB\n$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);

    const replayed = await runCli(['rules', 'replay', file]);
    expect(replayed.code).toBe(0);
    expect(replayed.stdout).toMatch(
      new RegExp(`HIGH {2}exec-drift {2}.* {2}${name}\\n {2}/tmp/x was written at run time`),
    );
    const own = mkdtempSync(join(folder, 'own-'));
    writeFileSync(join(own, 'mine.yaml'), rule('mine'));
    const mine = await runCli(['rules', 'replay', file, '--no-shipped-rules', '--rules', own]);
    expect(mine.stdout).toContain(`id ran in ${name}`);
  });

  it('does not write over a file', async () => {
    const file = join(folder, 'taken.jsonl');
    writeFileSync(file, 'mine');
    const { code, stderr } = await runCli(['record', file]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/taken\.jsonl cannot be made: .*it exists: name another file/);
  });
});

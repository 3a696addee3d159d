import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { capabilityEvent, execEvent } from '../../agent/detect/test-events.ts';
import { RecordingWriter } from '../../agent/recording/writer.ts';
import { runCli } from '../test-support/run-cli.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallyman-cli-rules-'));
  writeFileSync(join(folder, 'mine.yaml'), rule('mine-shell', 'true'));
  writeFileSync(
    join(folder, 'overrides.yaml'),
    'overrides:\n  - { rule: exec-drift, reason: We build here., enabled: false }\n',
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

function rule(id: string, match: string): string {
  const head = `id: ${id}\ntitle: A shell of mine\ndescription: D\nseverity: critical\non: exec\nwhen: process.isShell\n`;
  const example = `{ name: a shell, match: ${match}, process: { executable: { path: /bin/sh } } }`;
  return `${head}summary: S\nremediation: R\ntests:\n  - ${example}\n`;
}

describe('tallyman rules', () => {
  it('lists shipped rules, own rules and what overrides made of them, the worst first', async () => {
    const { code, stdout } = await runCli(['rules', 'list', '--rules', folder]);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[1]).toMatch(/^(exec-fileless|mine-shell|net-|reverse-shell|\S+) +critical/);
    expect(stdout).toMatch(/mine-shell +critical +exec +active +A shell of mine/);
    expect(stdout).toMatch(/exec-drift +high +exec +disabled/);
  });

  it('lists one JSON document a rule', async () => {
    const { stdout } = await runCli(['rules', 'list', '--no-shipped-rules', '--rules', folder, '--json']);
    // The override names a rule that is not there without the shipped ones.
    expect(stdout).toBe('');
    const all = await runCli(['rules', 'list', '--rules', folder, '--json']);
    const rows = all.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; enabled: boolean });
    expect(rows.find((row) => row.id === 'exec-drift')?.enabled).toBe(false);
    expect(rows.find((row) => row.id === 'mine-shell')).toMatchObject({
      severity: 'critical',
      on: ['exec'],
      overrides: [],
    });
  });

  it('explains a rule with its override', async () => {
    const { code, stdout } = await runCli(['rules', 'explain', 'exec-drift', '--rules', folder]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^HIGH {2}exec-drift {2}\(disabled\)/);
    expect(stdout).toMatch(/override +We build here\./);
    expect(stdout).toMatch(/ATT&CK +T1036 Masquerading/);
  });

  it('says of a rule that it needs a baseline, and what that means', async () => {
    const { stdout } = await runCli(['rules', 'explain', 'exec-unexpected']);
    expect(stdout).toMatch(/baseline +required: evaluated only where the baseline of the workload is ready, or frozen/);
    const { stdout: list } = await runCli(['rules', 'list']);
    expect(list).toMatch(/exec-unexpected +medium +exec +needs a baseline/);
  });

  it('says what is near when a rule does not exist', async () => {
    const { code, stderr } = await runCli(['rules', 'explain', 'exec-drit']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/did you mean "exec-drift"/);
  });

  it('runs the tests of rules, and fails with the reason', async () => {
    const good = await runCli(['rules', 'test']);
    expect(good.code).toBe(0);
    expect(good.stdout).toMatch(/^\d+ rules are valid; \d{2,} tests passed, 0 failed/);
    const file = join(folder, 'wrong.yml.txt');
    writeFileSync(file, rule('wrong-rule', 'false'));
    const bad = await runCli(['rules', 'test', file]);
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(/✘ wrong-rule: a shell\n {2}it matches, and must not/);
  });

  it('replays recorded events: what matches, what is a repeat, what is damaged', async () => {
    const writer = new RecordingWriter();
    const shell = execEvent({ process: { executable: { path: '/bin/sh' } } });
    const header = { tallymanRecording: 1, nodeName: 'n', kernelRelease: '', agentVersion: '', startedUnixNs: 0n };
    const events = [shell, shell, capabilityEvent({})].map((event) => writer.event(event, 1_700_000_000_000_000_000n));
    const file = join(folder, 'events.jsonl');
    writeFileSync(file, `${writer.header(header)}${events.join('')}{"event":1}\n`);
    const only = mkdtempSync(join(folder, 'only-'));
    writeFileSync(join(only, 'mine.yaml'), rule('mine-shell', 'true'));
    const args = ['rules', 'replay', file, '--no-shipped-rules', '--rules', only, '--utc'];
    const { code, stdout, stderr } = await runCli(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/● CRITICAL {2}mine-shell {2}22:13:20\.000 {2}web\n {2}S\n/);
    expect(stderr).toMatch(/events\.jsonl:8: skipped: its event is of no kind/);
    expect(stderr).toMatch(/3 events, 1 findings, 1 repeats of them; 1 lines were skipped/);
    const { stderr: shipped } = await runCli(['rules', 'replay', file]);
    expect(shipped).toMatch(/not evaluated, because they need a baseline \(--baseline\): .*exec-unexpected/);

    const json = await runCli([...args, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ ruleId: 'mine-shell', container: { name: 'web' } });
    expect((await runCli(['rules', 'replay', join(folder, 'overrides.yaml')])).stderr).toMatch(/is no recording/);
  });

  it('replays with baselines of files what rules need one for', async () => {
    const parent = { executable: { path: '/usr/bin/node' }, entry: 'container-init' } as const;
    const shell = execEvent({ process: { executable: { path: '/bin/dash' }, argv: ['sh', '-c', 'id'], parent } });
    const writer = new RecordingWriter();
    const header = { tallymanRecording: 1, nodeName: 'n', kernelRelease: '', agentVersion: '', startedUnixNs: 0n };
    const file = join(folder, 'shell.jsonl');
    writeFileSync(file, `${writer.header(header)}${writer.event(shell, 1_700_000_000_000_000_000n)}`);
    const baseline = join(folder, 'baseline.yaml.txt');
    const digest = shell.container.image?.configDigest;
    const whose = `repository: registry.example/shop/web\ndigest: ${digest}\nworkload: web\n`;
    writeFileSync(baseline, `kind: tallyman.baseline/v1\n${whose}executables: [{ path: /usr/bin/node, parent: "" }]\n`);
    const { code, stdout, stderr } = await runCli(['rules', 'replay', file, '--baseline', baseline]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/exec-unexpected .*\n {2}\/bin\/dash was executed by node \(root\), which web does not do/);
    expect(stderr).not.toMatch(/not evaluated/);
    const wrong = await runCli(['rules', 'replay', file, '--baseline', join(folder, 'mine.yaml')]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/problems? in .*mine\.yaml/)]);
  });

  it('refuses broken files with their place, and folders that do not exist', async () => {
    const file = join(folder, 'broken.yaml.txt');
    writeFileSync(file, rule('broken-rule', 'true').replace('isShell', 'isShel'));
    const broken = await runCli(['rules', 'test', file]);
    expect(broken.code).toBe(1);
    expect(broken.stderr).toMatch(
      /broken\.yaml\.txt:6:15: unknown field "isShel" for exec events \(did you mean "isShell"\?\)/,
    );
    expect((await runCli(['rules', 'test', join(folder, 'none')])).code).toBe(2);
  });
});

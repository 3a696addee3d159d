import { afterEach, describe, expect, it } from 'vitest';
import { createScreen } from '../terminal/style.ts';
import type { FakeApi } from '../test-support/fake-api.ts';
import { startFakeApi } from '../test-support/fake-api.ts';
import { runCli } from '../test-support/run-cli.ts';
import { shellLine } from './advice-text.ts';
import { privilegePage } from './privilege-page.ts';

const time = '2026-11-24T10:00:00.000Z';
const report = {
  containers: [{ name: 'web\u001b[31m', image: 'acme/web:1' }],
  watch: { watchedMs: 532_800_000, complete: true, problems: [] },
  capabilities: [
    {
      ...{ name: 'CAP_CHOWN', granted: 'yes', use: 'workload', keep: true, reason: '' },
      evidence: [{ executablePath: '/bin/a\nb', syscallName: 'chown', firstSeen: time, lastSeen: time }],
    },
    { name: 'CAP_KILL', granted: 'yes', use: 'never', keep: false, reason: '', evidence: [] },
  ],
  user: { root: 'needed', reason: 'it used CAP_CHOWN', ranAs: [] },
  writes: { root: 'overlay', unknownReason: '', lastScan: time, places: [{ path: '/run', ownerUids: [0] }] },
  advice: {
    ...{ withheld: [], notes: ['a note'], readOnlyRoot: { advised: true, reason: '' } },
    noNewPrivileges: { advised: true, reason: 'no program gained privileges' },
    dockerFlags: ['--cap-drop', 'ALL', '--user', "www data'; rm -rf $HOME"],
    kubernetes: {
      container: { securityContext: { capabilities: { drop: ['ALL'], add: ['CHOWN'] } } },
      volumes: [{ name: 'writable-0', emptyDir: {} }],
    },
  },
};
const withheld = { ...report, advice: { ...report.advice, withheld: ['its start was not seen'] } };

describe('privilegePage', () => {
  const screen = createScreen({ columns: 100, colours: false, terminal: true, utc: true });

  it('shows what was used by whom and when, and escapes what comes from the container', () => {
    const page = privilegePage(report, screen).join('\n');
    expect(page).toContain('watched 6 d 4 h, data complete');
    expect(page).toMatch(/CAP_CHOWN +yes +\/bin\/a\\nb in chown, 2026-11-24 10:00:00 +keep/);
    expect(page).toMatch(/CAP_KILL +yes +never +drop/);
    expect(page).toContain('web\\x1b[31m');
    expect(page).not.toContain('\u001b');
  });

  it('shows why nothing is advised instead of flags', () => {
    const page = privilegePage(withheld, screen).join('\n');
    expect(page).toContain('its start was not seen');
    expect(page).not.toContain('--cap-drop');
  });

  it('does with an answer of which nothing is as expected', () => {
    for (const answer of [undefined, 7, {}, { capabilities: [null, 1], advice: { withheld: 'x' } }])
      expect(privilegePage(answer, screen).length).toBeGreaterThan(0);
  });
});

describe('shellLine', () => {
  it('keeps each flag one word', () => {
    expect(shellLine(report)).toBe(`--cap-drop ALL --user 'www data'\\''; rm -rf $HOME'`);
  });
});

describe('tallyman privileges', () => {
  let api: FakeApi | undefined;
  afterEach(() => api?.close());

  async function ask(answer: unknown, ...args: string[]) {
    api = await startFakeApi({ '/api/v1/containers/web/privileges': answer });
    const result = await runCli(['privileges', 'web', '--api', api.url, ...args]);
    return { ...result, requests: api.requests };
  }

  it('prints what is to be applied, notes apart', async () => {
    const { code, stdout, stderr, requests } = await ask(report, '--format', 'securityContext', '--workload');
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'note: a note\n' });
    expect(stdout).toBe(
      'securityContext:\n  capabilities:\n    drop:\n      - ALL\n    add:\n      - CHOWN\n# In the pod:\nvolumes:\n  - name: writable-0\n    emptyDir: {}\n',
    );
    expect(requests).toEqual(['/api/v1/containers/web/privileges?minWatchSeconds=86400&scope=workload']);
  });

  it('fails where advice is withheld, but shows what is known', async () => {
    const failed = await ask(withheld, '--format', 'docker');
    expect(failed).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('its start was not seen') });
    const shown = await runCli(['privileges', 'web', '--api', api?.url ?? '', '--json']);
    expect(JSON.parse(shown.stdout)).toEqual(withheld);
  });

  it('says that there is no such container', async () => {
    api = await startFakeApi({});
    expect(await runCli(['privileges', 'nobody', '--api', api.url])).toMatchObject({ code: 3 });
  });
});

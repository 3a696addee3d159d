import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AlertSubscriber } from '../support/alert-subscriber.ts';
import { buildTestImage, docker, runContainer, type TestContainer, testImage } from '../support/docker.ts';
import { freePort } from '../support/free-port.ts';
import { startNatsServer, type TestNatsServer } from '../support/nats.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { startTallyman, type TallymanProcess } from '../support/tallyman.ts';

describe('everything around it is away', () => {
  let nats: TestNatsServer;
  let otlp: OtlpReceiver;
  let tallyman: TallymanProcess;
  let container: TestContainer;
  let image: string;

  beforeAll(async () => {
    await buildTestImage();
    [nats, otlp] = await Promise.all([startNatsServer(), startOtlpReceiver()]);
    await Promise.all([nats.stop(), otlp.stop()]);
    // An image of a registry that does not answer: nothing listens on its port.
    image = `127.0.0.1:${await freePort()}/acme/app:1`;
    await docker.getImage(testImage).tag({ repo: image.slice(0, image.lastIndexOf(':')), tag: '1' });
    tallyman = await startTallyman(['--nats-url', nats.url, '--otlp-endpoint', otlp.endpoint]);
    container = await runContainer({
      image,
      command: ['/bin/sh', '-c', 'for i in 1 2 3; do cp /bin/actor /tmp/$i; /tmp/$i true; done; sleep 1'],
    });
  });

  afterAll(async () => {
    await container?.remove();
    await tallyman?.stop();
    await Promise.all([nats?.close(), otlp?.stop()]);
    await docker.getImage(image).remove();
  });

  async function storedAlerts(): Promise<unknown[]> {
    const response = await fetch(`${tallyman.api}/api/v1/alerts?container=${container.id}&rule=exec-drift`);
    return ((await response.json()) as { alerts: unknown[] }).alerts;
  }

  it('detection goes on; the signature is unknown with the reason, never absent', async () => {
    await expect.poll(async () => (await storedAlerts()).length, { timeout: 15_000 }).toBe(3);
    const text = JSON.stringify(await storedAlerts());
    expect(text).toMatch(/"name":"image.signature","value":"unknown"/);
    expect(text).not.toMatch(/"name":"image.signature","value":"absent"/);
    expect(text).toMatch(/ECONNREFUSED|refused|not reach/i);
  });

  function warningsAbout(what: RegExp): number {
    const lines = tallyman
      .log()
      .split('\n')
      .filter((line) => line !== '');
    const messages = lines.map((line) => JSON.parse(line) as { level: number; msg: string });
    return messages.filter(({ level, msg }) => level >= 40 && what.test(msg)).length;
  }

  it('says so once for each', async () => {
    for (const what of [/NATS/, /exporting traces/, /papers from 127/])
      await expect.poll(() => warningsAbout(what), { timeout: 20_000, message: String(what) }).toBe(1);
  });

  it('delivers what waited once NATS and the trace backend are back', async () => {
    await Promise.all([nats.start(), otlp.start()]);
    const client = await nats.client();
    const manager = await client.jetstreamManager();
    await expect
      .poll(async () => (await manager.streams.info('TALLYMAN_ALERTS').catch(() => undefined))?.state.messages ?? 0, {
        timeout: 30_000,
      })
      .toBe(3);
    await otlp.waitFor(
      ({ spans }) => spans.filter((span) => span.attributes['tallyman.rule.id'] === 'exec-drift').length === 3,
      40_000,
    );
    const subscriber = await AlertSubscriber.connect(nats.url);
    const again = await container.exec(['/bin/sh', '-c', 'true']).then(() => subscriber.alerts.length);
    expect(again).toBe(0);
    await subscriber.close();
  });
});

describe('a process that may not load BPF programs', () => {
  it('says what is missing, what to do and what still works, and leaves nothing running', () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tallyman-denied-'));
    const dropped = '--bounding-set=-bpf,-sys_admin,-perfmon';
    const args = [dropped, './tallyman', 'up', '--data-dir', dataDir, '--http', '127.0.0.1:0'];
    const { status, stdout, stderr } = spawnSync('setpriv', args, { encoding: 'utf8', timeout: 30_000 });
    rmSync(dataDir, { recursive: true });
    expect(status).toBe(1);
    expect(stdout + stderr).toMatch(
      /missing CAP_BPF, CAP_PERFMON.*run as root.*still works.*nats-server stopped.*may not load BPF/s,
    );
  });
});

describe('files that are not what they should be', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tallyman-files-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  function upWith(args: string[]): { status: number | null; text: string } {
    const { status, stdout, stderr } = spawnSync(
      './tallyman',
      ['up', '--data-dir', join(folder, 'data'), '--http', '127.0.0.1:0', '--nats-url', 'nats://127.0.0.1:1', ...args],
      { encoding: 'utf8', timeout: 30_000 },
    );
    return { status, text: stdout + stderr };
  }

  it.each([
    [
      'a policy with a word that is none',
      '--policy',
      'policy.yaml',
      'name: x\nseveritty: {}\n',
      /policy\.yaml.*severitty/s,
    ],
    ['a policy that is no YAML', '--policy', 'broken.yaml', 'a: [1, 2\n', /broken\.yaml.*(line|:)\s*\d/s],
    ['a key file that is no key', '--cosign-key', 'key.pub', 'hello\n', /key\.pub/],
  ])('%s is refused with file and reason', (_what, flag, name, content, expected) => {
    const file = join(folder, name);
    writeFileSync(file, content);
    const { status, text } = upWith([flag, file]);
    expect(status).toBeGreaterThan(0);
    expect(text).toMatch(expected);
    expect(text).not.toMatch(/\n\s+at /);
  });

  it('a rule with a misspelt field is refused with file, line and a hint', () => {
    const rules = mkdtempSync(join(folder, 'rules-'));
    writeFileSync(
      join(rules, 'mine.yaml'),
      'id: mine\ntitle: t\ndescription: d\nseverity: high\non: exec\nwhen: process.executabel.path == "/x"\nsummary: s\nremediation: r\nkey: []\n',
    );
    const { status, text } = upWith(['--rules', rules]);
    expect(status).toBeGreaterThan(0);
    expect(text).toMatch(/mine\.yaml:6.*executabel/s);
  });
});

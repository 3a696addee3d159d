import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildTestImage, docker, runContainer, type TestContainer } from '../support/docker.ts';
import { startTallyman, type TallymanProcess } from '../support/tallyman.ts';

const users = 'printf "root:x:0:0::/:/bin/sh\\nshop:x:1234:1234::/:/bin/sh\\n" >/etc/passwd';

describe('what is put into a container from outside', () => {
  let tallyman: TallymanProcess;
  let container: TestContainer;

  beforeAll(async () => {
    await buildTestImage();
    tallyman = await startTallyman([]);
    container = await runContainer({
      command: ['sh', '-c', `${users}; while :; do sleep 1; done`],
      healthCheck: ['CMD-SHELL', 'test -d /tmp && true'],
    });
  });
  afterAll(async () => {
    await container?.remove();
    await tallyman?.stop();
  });

  async function titles(ruleId: string): Promise<string[]> {
    const answer = await fetch(`${tallyman.api}/api/v1/alerts?container=${container.id}&rule=${ruleId}`);
    const { alerts } = (await answer.json()) as { alerts: { data: { finding_info: { title: string } } }[] };
    return alerts.map((alert) => alert.data.finding_info.title);
  }

  it('is told with its command and the user’s name, but for the health check', async () => {
    const checks = async () => (await docker.getContainer(container.id).inspect()).State.Health?.Log.length ?? 0;
    await expect.poll(checks, { timeout: 20_000, interval: 300 }).toBeGreaterThan(2);
    await docker
      .getContainer(container.id)
      .exec({ Cmd: ['sh', '-c', 'id; true'], User: '1234' })
      .then((session) => session.start({ Detach: true }));
    await expect.poll(() => titles('exec-session'), { timeout: 15_000 }).toHaveLength(1);
    expect(await titles('exec-session')).toEqual([`sh -c id; true was run in ${container.name} from outside as shop.`]);
  });

  it('is told with who wrote what it executed', async () => {
    await container.exec(['sh', '-c', '/bin/cp /bin/busybox /tmp/test; /tmp/test true']);
    await expect
      .poll(() => titles('exec-drift'), { timeout: 15_000 })
      .toEqual([
        '/tmp/test was written at run time by cp (root) less than a second before and then executed by sh (root).',
      ]);
  });
});

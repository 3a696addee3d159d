import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../cli/test-support/run-cli.ts';
import type { PrivilegeReport } from '../../collector/privileges/report.ts';
import { buildTestImage, docker, runContainer, type TestContainer } from '../support/docker.ts';
import { startTallyman, type TallymanProcess } from '../support/tallyman.ts';

/*
 * What a container is seen to use, the advice from it, and the same container started again with exactly that: it must go on
 * working, and what was dropped must not be there.
 */
const base = 'tallyman-test-privileges-base:latest';
const image = 'tallyman-test-privileges:latest';
const containers: TestContainer[] = [];
let early: TestContainer;
let tallyman: TallymanProcess;

beforeAll(async () => {
  await buildTestImage(base);
  const script =
    'mkdir -p /run/lock /var/lib/app; chmod 755 /run; chmod 1777 /tmp; mkdir /opt; cp /bin/busybox /opt/busybox; chown 33 /var/lib/app';
  const container = await runContainer({ image: base, command: ['sh', '-c', script] });
  expect(await container.wait()).toBe(0);
  await docker.getContainer(container.id).commit({ repo: image.split(':')[0], tag: 'latest' });
  await container.remove();
  early = await start('exec sleep 300');
  tallyman = await startTallyman(['--root-scan-interval', '1s', '--review-after', '4s']);
});

afterAll(async () => {
  for (const container of containers) await container.remove();
  await tallyman?.stop();
  for (const name of [image, base]) await docker.getImage(name).remove({ force: true });
});

async function start(script: string, user?: string): Promise<TestContainer> {
  const command = ['sh', '-c', script];
  const container = await runContainer({ image, command, ...(user === undefined ? {} : { user }) });
  containers.push(container);
  return container;
}

async function reportOf(container: TestContainer, query = 'minWatchSeconds=0'): Promise<PrivilegeReport> {
  const response = await fetch(`${tallyman.api}/api/v1/containers/${container.id}/privileges?${query}`);
  return (await response.json()) as PrivilegeReport;
}

/** The first answer there is; looked for a hundred times at most. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(300);
  }
  throw new Error('waited in vain');
}

/** Once its files have been looked at after it has done what it does. */
async function adviceFor(container: TestContainer, isDone: (report: PrivilegeReport) => boolean) {
  return await until(async () => {
    const report = await reportOf(container);
    const isScanned = report.writes?.lastScan !== undefined && report.writes.unknownReason === '';
    return isScanned && isDone(report) ? report : undefined;
  });
}

/** The same container with the flags that the command prints. */
async function startAgain(container: TestContainer, script: string): Promise<TestContainer> {
  const asked = ['privileges', container.id, '--api', tallyman.api, '--min-watch', '0', '--format', 'docker'];
  const { stdout, code, stderr } = await runCli(asked);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const run = `docker run -d --network none ${stdout.trim()} ${image} sh -c "$SCRIPT"`;
  const env = { ...process.env, SCRIPT: script };
  const id = (await promisify(execFile)('sh', ['-c', run], { env })).stdout.trim();
  const again: TestContainer = {
    ...{ id, name: id },
    wait: async () => ((await docker.getContainer(id).wait()) as { StatusCode: number }).StatusCode,
    exec: async (command) =>
      await promisify(execFile)('docker', ['exec', id, ...command]).then(
        ({ stdout }) => stdout,
        (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
      ),
    logs: async () => (await promisify(execFile)('docker', ['logs', id])).stdout,
    remove: async () => void (await docker.getContainer(id).remove({ force: true })),
  };
  containers.push(again);
  return again;
}

async function logged(container: TestContainer, line: string): Promise<void> {
  await until(async () => ((await container.logs()).includes(line) ? true : undefined));
}

function useOf(report: PrivilegeReport, name: string) {
  return report.capabilities.find((use) => use.name === name);
}

describe('a server that starts as root', () => {
  const script = [
    'set -e; echo 1 >/run/server.pid; mkdir -p /tmp/cache/deep; echo x >/tmp/cache/deep/file; chown 33 /tmp/cache',
    'echo x >/var/lib/app/state',
    '(nc -l -p 80 >/dev/null &) ; sleep 0.5; echo works; exec sleep 300',
  ].join('; ');
  let report: PrivilegeReport;
  let again: TestContainer;

  beforeAll(async () => {
    const container = await start(script);
    await logged(container, 'works');
    await container.exec(['/opt/busybox', 'mknod', '/tmp/null', 'c', '1', '3']);
    report = await adviceFor(
      container,
      (seen) => useOf(seen, 'CAP_MKNOD')?.use === 'exec-session' && seen.writes.places.length === 3,
    );
    again = await startAgain(container, script);
  }, 60_000);

  it('is told what was granted, and by which program in which system call it was used', () => {
    expect(report.watch).toMatchObject({ complete: true, problems: [] });
    expect(useOf(report, 'CAP_CHOWN')).toMatchObject({
      ...{ granted: 'yes', use: 'workload', keep: true },
      evidence: [{ executablePath: '/bin/busybox', syscallName: expect.stringMatching(/chown/) }],
    });
    expect(useOf(report, 'CAP_NET_RAW')).toMatchObject({ granted: 'yes', use: 'never', keep: false, evidence: [] });
    expect(useOf(report, 'CAP_SYS_ADMIN')).toBeUndefined();
  });

  it('is not given what only a program put in from outside has used', () => {
    expect(useOf(report, 'CAP_MKNOD')).toMatchObject({ use: 'exec-session', keep: false });
  });

  it('is told that it needs root, where it writes, and where it listens', () => {
    expect(report.user).toMatchObject({ uid: 0, root: 'needed', reason: expect.stringContaining('CAP_CHOWN') });
    expect(report.writes.places.map(({ path }) => path)).toEqual(['/run', '/tmp', '/var/lib/app']);
    expect(report.ports).toMatchObject([{ transport: 'tcp', port: 80 }]);
    expect(report.advice.notes.join()).toContain('port 80');
  });

  it('works with the flags that are printed', async () => {
    await logged(again, 'works');
    expect(await again.exec(['sh', '-c', 'cat /run/server.pid /tmp/cache/deep/file'])).toBe('1\nx\n');
    expect(await again.exec(['ls', '/run'])).toContain('lock');
  });

  it('then has nothing else: capabilities, new privileges, a root to write to', async () => {
    const status = await again.exec(['cat', '/proc/1/status']);
    expect(status).toMatch(/CapBnd:\s+0{15}3\n/);
    expect(status).toMatch(/NoNewPrivs:\s+1\n/);
    expect(await again.exec(['sh', '-c', 'echo x >/etc/new'])).toContain('Read-only');
    expect(await again.exec(['/opt/busybox', 'mknod', '/tmp/null', 'c', '1', '3'])).toContain('not permitted');
  });
});

describe('a server that becomes another user', () => {
  const script = 'su nobody -s /bin/sh -c "id -u; exec sleep 300"';

  it('keeps root and what it takes to give it up, and still does', async () => {
    const container = await start(script);
    await logged(container, '65534');
    const report = await adviceFor(container, (seen) => seen.user.ranAs.some(({ uid }) => uid === 65_534));
    expect(report.user).toMatchObject({ root: 'needed', reason: expect.stringMatching(/CAP_SET[UG]ID.*uid 65534/) });
    expect(report.advice.addCapabilities).toEqual(expect.arrayContaining(['CAP_SETGID', 'CAP_SETUID']));
    expect(report.advice.addCapabilities).not.toContain('CAP_CHOWN');
    expect(report.advice.user).toBeUndefined();
    const again = await startAgain(container, script);
    await logged(again, '65534');
    expect(await again.exec(['cat', '/proc/1/status'])).toMatch(/CapBnd:\s+0{14}c0\n/);
  });
});

describe('an entrypoint that executes its server at once', () => {
  it('is told apart from what is put in from outside', async () => {
    const container = await start('exec sleep 300');
    await until(async () => ((await reportOf(container)).capabilities?.length > 0 ? true : undefined));
    await container.exec(['/opt/busybox', 'chown', '33', '/tmp']);
    const report = await adviceFor(container, (seen) => useOf(seen, 'CAP_CHOWN')?.evidence.length === 1);
    expect(useOf(report, 'CAP_CHOWN')).toMatchObject({ use: 'exec-session', keep: false });
    expect(report.user.ranAs.map(({ executablePath, origin }) => [executablePath, origin])).toEqual([
      ['/bin/busybox', 'container-init'],
      ['/opt/busybox', 'exec-session'],
    ]);
  });
});

describe('a server that is not root', () => {
  const script = 'echo x >/tmp/mine; echo works; exec sleep 300';

  it('is told to stay what it is', async () => {
    const container = await start(script, '1000:1000');
    await logged(container, 'works');
    const report = await adviceFor(container, (seen) => seen.writes.places.length === 1);
    expect(report.user).toMatchObject({ root: 'no', uid: 1000 });
    expect(report.advice.kubernetes?.container).toMatchObject({
      securityContext: {
        ...{ capabilities: { drop: ['ALL'] }, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
        ...{ runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000 },
      },
      volumeMounts: [{ mountPath: '/tmp' }],
    });
    const again = await startAgain(container, script);
    await logged(again, 'works');
  });
});

describe('what is not known', () => {
  it('withholds the advice for a container whose start was not seen', async () => {
    const report = await until(async () => {
      const seen = await reportOf(early);
      return seen.capabilities?.length > 0 ? seen : undefined;
    });
    expect(report.advice.withheld).toEqual([expect.stringContaining('its start was not seen')]);
    expect(report.advice).toMatchObject({ dockerFlags: [] });
    expect(report.advice.kubernetes).toBeUndefined();
    const { code, stderr } = await runCli([
      ...['privileges', early.id, '--api', tallyman.api, '--min-watch', '0', '--format', 'docker'],
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain('its start was not seen');
  });

  it('withholds it before the container has been watched for long enough', async () => {
    const container = await start('exec sleep 300');
    const report = await until(async () => {
      const seen = await reportOf(container, 'minWatchSeconds=3600');
      return seen.capabilities?.length > 0 ? seen : undefined;
    });
    expect(report.advice.withheld).toEqual([expect.stringContaining('of the 3600 s')]);
  });

  it('does not advise a read-only root where the image’s own files are written', async () => {
    const container = await start('echo x >>/etc/passwd; exec sleep 300');
    const report = await adviceFor(container, (seen) => seen.writes.places.length === 1);
    expect(report.advice.readOnlyRoot).toEqual({
      advised: false,
      reason: expect.stringMatching(/passwd in \/etc, which holds files of the image/),
    });
    expect(report.advice.dockerFlags).not.toContain('--read-only');
    expect(report.advice.dockerFlags).toContain('--cap-drop');
  });
});

describe('capabilities that are never used', () => {
  it('are one finding of the least severity, for each container', async () => {
    const container = await start('chown 33 /tmp; exec sleep 300');
    const alerts = await until(async () => {
      const query = `container=${container.id}&rule=posture-unused-capability`;
      const response = await fetch(`${tallyman.api}/api/v1/alerts?${query}`);
      const { alerts: found } = (await response.json()) as { alerts: { data: { finding_info: { title: string } } }[] };
      return found.length > 0 ? found : undefined;
    });
    expect(alerts).toHaveLength(1);
    expect(alerts[0]?.data.finding_info.title).toContain('CAP_NET_RAW');
    expect(alerts[0]?.data.finding_info.title).not.toContain('CAP_CHOWN');
    expect(alerts[0]?.data).toMatchObject({ severity: 'Informational' });
  });
});

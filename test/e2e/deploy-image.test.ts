import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findCgroupRoot } from '../../agent/sensor/cgroup-root.ts';
import type { Collector } from '../../collector/collector.ts';
import { createCollector } from '../../collector/collector.ts';
import type { Alert } from '../../collector/decide/alert.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { readWorkload } from '../../deploy/manifests.ts';
import { importBaseImage } from '../support/base-image.ts';
import type { TestContainer } from '../support/docker.ts';
import { buildTestImage, docker, runContainer } from '../support/docker.ts';
import type { RuncContainer } from '../support/runc.ts';
import { startRuncContainer } from '../support/runc.ts';

const run = promisify(execFile);
const baseImage = 'tallyman-test-base:latest';
const agentImage = 'tallyman-test-agent:latest';
const libbpf = '/usr/lib/x86_64-linux-gnu/libbpf.so.1'.replace(
  'x86_64',
  process.arch === 'arm64' ? 'aarch64' : 'x86_64',
);

const pod = readWorkload('DaemonSet', 'tallyman-agent').spec.template.spec;
const container = pod.containers[0]!;

let folder: string;
let network: Docker.Network;
let pause: TestContainer | undefined;
let podAddress: string;
let collector: Collector;
let agent: RuncContainer | undefined;
const alerts: Alert[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tallyman-deploy-'));
  await buildTestImage();
  await buildAgentImage();
  // Pods have a network namespace of their own and so has this one; nothing leaves the machine.
  network = await docker.createNetwork({ Name: `tallyman-deploy-${process.pid}`, Internal: true });
  const gateway: string = (await network.inspect()).IPAM?.Config?.[0]?.Gateway ?? '';
  pause = await runContainer({ command: ['/bin/sleep', '3600'], networkMode: network.id });
  const { State, NetworkSettings } = await docker.getContainer(pause.id).inspect();
  podAddress = Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? '';
  collector = createCollector(
    {
      dataDir: folder,
      uplink: { listenAddress: `${gateway}:0`, insecure: true },
      http: { listenAddress: '127.0.0.1:0' },
    },
    { logger: silentLogger, metrics: new Metrics('collector') },
  );
  await collector.start();
  collector.subscribeAlerts((alert) => alerts.push(alert));
  agent = await startAgent(State.Pid);
});

afterAll(async () => {
  await agent?.remove();
  await collector?.close();
  await pause?.remove();
  await network?.remove();
  for (const image of [agentImage, baseImage])
    await docker
      .getImage(image)
      .remove({ force: true })
      .catch(() => undefined);
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

async function buildAgentImage(): Promise<void> {
  await importBaseImage(baseImage, [process.execPath, libbpf]);
  await run(process.execPath, ['scripts/stage-image.ts', '.build/image']);
  const build = [
    'build',
    '--network',
    'none',
    '--build-arg',
    `BASE_IMAGE=${baseImage}`,
    '-f',
    'deploy/Dockerfile.agent',
  ];
  await run('docker', [...build, '-t', agentImage, '.'], { maxBuffer: 16 << 20 });
}

/** As the kubelet would: everything from the manifest, but where the collector is and where this host keeps cgroup v2. */
function startAgent(networkOfPid: number): Promise<RuncContainer> {
  const { securityContext, volumeMounts, args, env } = container;
  const volumes = new Map(pod.volumes.map((volume) => [volume.name, volume]));
  const hostPath = (name: string): string | undefined => {
    const path = volumes.get(name)?.hostPath?.path;
    return path === '/sys/fs/cgroup' ? findCgroupRoot() : path;
  };
  return startRuncContainer({
    folder,
    image: agentImage,
    args: args.map((argument, index) => (args[index - 1] === '--collector' ? collector.address : argument)),
    env: env.map(({ name }) => `${name}=node-under-test`),
    capabilities: securityContext.capabilities.add.map((name) => `CAP_${name}`),
    noNewPrivileges: !securityContext.allowPrivilegeEscalation,
    readOnlyRootFilesystem: securityContext.readOnlyRootFilesystem,
    hostPid: pod.hostPID,
    networkOfPid,
    binds: volumeMounts.flatMap(({ name, mountPath, readOnly }) => {
      const source = hostPath(name);
      return source === undefined ? [] : [{ source, destination: mountPath, readOnly }];
    }),
    tmpfs: volumeMounts
      .filter(({ name }) => volumes.get(name)?.emptyDir !== undefined)
      .map(({ mountPath }) => mountPath),
  });
}

async function agentAnswers(path: string): Promise<number> {
  const port = container.ports.find(({ name }) => name === 'http')?.containerPort;
  return fetch(`http://${podAddress}:${port}${path}`).then(
    ({ status }) => status,
    () => 0,
  );
}

it('becomes ready with the capabilities and mounts of the DaemonSet, every hook attached', async () => {
  await expect
    .poll(() => agentAnswers('/readyz'), { timeout: 60_000, interval: 200 })
    .toBe(200)
    .catch(async (error: unknown) => {
      throw new Error(`the agent does not become ready:\n${agent?.logs()}`, { cause: error });
    });
  expect(await agentAnswers('/healthz')).toBe(200);
  await expect.poll(() => collector.status().nodes[0]?.hooks, { timeout: 20_000 }).toBeDefined();
  const [node] = collector.status().nodes;
  expect(node).toMatchObject({ name: 'node-under-test', connected: true });
  expect(Object.values(node?.hooks ?? {})).not.toContain('not attached');
  expect(node?.runtimes).toHaveLength(1);
});

it('sees an attack in another container', async () => {
  const script = 'sleep 1; cp /bin/busybox /tmp/busybox-evil; /tmp/busybox-evil sleep 1';
  const victim = await runContainer({ command: ['/bin/sh', '-c', script], name: `tallyman-victim-${process.pid}` });
  try {
    await expect
      .poll(() => alerts.map(({ correlated }) => correlated.finding.ruleId), { timeout: 30_000 })
      .toContain('exec-drift');
    const drift = alerts.find(({ correlated }) => correlated.finding.ruleId === 'exec-drift')!.correlated.finding;
    expect(drift.container).toMatchObject({ id: victim.id, name: victim.name, runtime: 'docker' });
    expect(drift.processes.map((process) => process.executable?.path)).toEqual(['/tmp/busybox-evil', '/bin/busybox']);
    expect(drift.container?.image?.reference).toBe('tallyman-test:latest');
  } finally {
    await victim.remove();
  }
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { criSocketPaths, dockerSocketPath, podmanSocketPath, socketPlaces } from '../agent/container/host-runtimes.ts';
import { createProgram } from '../cli/program.ts';
import { exitOnUsageError } from '../cli/usage-error.ts';
import { loadPolicy } from '../collector/decide/policy.ts';
import type { Workload } from './manifests.ts';
import { readManifests, readWorkload } from './manifests.ts';

const manifests = readManifests();
const agent = readWorkload('DaemonSet', 'tallyman-agent');
const collector = readWorkload('Deployment', 'tallyman-collector');
const workloads: [string, Workload][] = [
  ['agent', agent],
  ['collector', collector],
];

const containerOf = (workload: Workload) => workload.spec.template.spec.containers[0]!;
const document = (kind: string, name: string) =>
  manifests.find((manifest) => manifest.kind === kind && manifest.name === name)?.document as never;

/** Parses the arguments with the real command, without running it; answers the options it understood. */
async function understood(workload: Workload): Promise<Record<string, unknown>> {
  const program = exitOnUsageError(createProgram());
  const [name = '', ...args] = containerOf(workload).args;
  const command = program.commands.find((candidate) => candidate.name() === name) as Command;
  let options: Record<string, unknown> = {};
  command.action(() => {
    options = command.opts();
  });
  await program.parseAsync([name, ...args], { from: 'user' });
  return options;
}

describe.each(workloads)('the %s', (name, workload) => {
  const { spec } = workload.spec.template;

  it('selects its own pods, in its namespace, as its own service account without a token', () => {
    expect(workload.spec.template.metadata.labels).toMatchObject(workload.spec.selector.matchLabels);
    expect(document('Namespace', workload.metadata.namespace)).toBeDefined();
    expect(document('ServiceAccount', spec.serviceAccountName)).toMatchObject({ automountServiceAccountToken: false });
    expect(spec.automountServiceAccountToken).toBe(false);
  });

  it('is called with options that the command has', async () => {
    expect(containerOf(workload).args[0]).toBe(name);
    await expect(understood(workload)).resolves.not.toEqual({});
  });

  it('sets only environment variables that the command reads', () => {
    const command = createProgram().commands.find((candidate) => candidate.name() === name) as Command;
    const known = command.options.map((option) => option.envVar);
    for (const { name: variable } of containerOf(workload).env) expect(known).toContain(variable);
  });

  it('mounts each of its volumes, and has each that it mounts', () => {
    const mounted = containerOf(workload).volumeMounts.map((mount) => mount.name);
    expect(mounted.toSorted()).toEqual(spec.volumes.map((volume) => volume.name).toSorted());
  });

  it('runs the image that its Dockerfile makes', () => {
    expect(containerOf(workload).image).toBe(`tallyman-${name}:latest`);
    const file = readFileSync(join(import.meta.dirname, `Dockerfile.${name}`), 'utf8');
    expect(file).toContain(`CMD ["${name}"]`);
  });

  it('gains nothing and writes nothing outside its volumes', () => {
    expect(containerOf(workload).securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(spec.hostNetwork).toBe(false);
  });
});

describe('the agent', () => {
  const { securityContext, volumeMounts } = containerOf(agent);
  const hostPaths = new Map(agent.spec.template.spec.volumes.map((volume) => [volume.name, volume.hostPath?.path]));

  it('has exactly the capabilities that docs/install.md explains', () => {
    expect(securityContext.privileged).toBe(false);
    const guide = readFileSync(join(import.meta.dirname, '../docs/install.md'), 'utf8');
    const explained = [...guide.matchAll(/^\| `CAP_([A-Z_]+)` \|/gm)].map((match) => match[1]);
    expect(explained.length).toBeGreaterThan(0);
    expect(explained.toSorted()).toEqual(securityContext.capabilities.add.toSorted());
  });

  it('reads the host through mounts that its options name, and changes none of them', async () => {
    const options = await understood(agent);
    const source = (path: unknown): string | undefined => {
      const mount = volumeMounts.find(
        ({ mountPath }) => path === mountPath || String(path).startsWith(`${mountPath}/`),
      );
      return mount && hostPaths.get(mount.name);
    };
    expect(source(options.procRoot)).toBe('/proc');
    expect(source(options.cgroupRoot)).toBe('/sys/fs/cgroup');
    // The sockets of all runtimes are looked for where the host's folders are mounted.
    for (const path of [dockerSocketPath, podmanSocketPath, ...criSocketPaths])
      if (path.startsWith('/run/')) expect(socketPlaces(path).map(source)).toContain('/run');
    for (const mount of volumeMounts) if (hostPaths.get(mount.name) !== undefined) expect(mount.readOnly).toBe(true);
  });

  it('mounts the folder of the runtime’s socket, not the socket, which a restart replaces', () => {
    for (const path of hostPaths.values()) expect(path ?? '').not.toMatch(/\.sock$/);
  });

  it('sees the pids of the host and may run there', () => {
    expect(agent.spec.template.spec.hostPID).toBe(true);
    expect(document('Namespace', 'tallyman')).toMatchObject({
      metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
    });
    expect(document('PriorityClass', agent.spec.template.spec.priorityClassName ?? '')).toBeDefined();
  });

  it('reports to the service of the collector, on a port that the service and the network policy open', async () => {
    const options = await understood(agent);
    const [host = '', port] = String(options.collector).split(':');
    const [service = '', namespace] = host.split('.');
    const ports = (
      document('Service', service) as { spec: { ports: { name: string; port: number; targetPort: string }[] } }
    ).spec.ports;
    const target = ports.find((candidate) => candidate.port === Number(port))?.targetPort;
    expect(namespace).toBe(collector.metadata.namespace);
    expect(containerOf(collector).ports).toContainEqual({ name: target, containerPort: Number(port) });
    const policy = JSON.stringify(document('NetworkPolicy', 'tallyman-collector'));
    expect(policy).toContain(JSON.stringify({ podSelector: { matchLabels: agent.spec.selector.matchLabels } }));
  });
});

describe('the collector', () => {
  it('listens on the ports it declares', async () => {
    const options = await understood(collector);
    const ports = containerOf(collector).ports.map((port) => port.containerPort);
    expect([options.listen, options.http].map((address) => Number(String(address).split(':').at(-1)))).toEqual(ports);
  });

  it('has a token for its API, which is open to the network', () => {
    expect(containerOf(collector).env.map(({ name }) => name)).toContain('TALLYMAN_HTTP_TOKEN');
  });

  it('gets a policy that it accepts, where it looks for it', async () => {
    const { policy } = await understood(collector);
    const file = String(policy).replace('/etc/tallyman/', '');
    const data = (document('ConfigMap', 'tallyman-collector') as { data: Record<string, string> }).data;
    const folder = mkdtempSync(join(tmpdir(), 'tallyman-policy-'));
    try {
      writeFileSync(join(folder, file), data[file] ?? '');
      expect(loadPolicy(join(folder, file)).policyVersion).toMatch(/^cluster@/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is selected by its service and its network policy', () => {
    const labels = collector.spec.template.metadata.labels;
    const { spec } = document('Service', 'tallyman-collector') as { spec: { selector: Record<string, string> } };
    expect(labels).toMatchObject(spec.selector);
    const policy = document('NetworkPolicy', 'tallyman-collector') as {
      spec: { podSelector: { matchLabels: Record<string, string> } };
    };
    expect(labels).toMatchObject(policy.spec.podSelector.matchLabels);
  });
});

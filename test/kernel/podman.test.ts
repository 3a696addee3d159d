import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContainerState } from '../../agent/container/container.ts';
import { DockerRuntime } from '../../agent/container/docker.ts';
import { OptionalRuntime } from '../../agent/container/optional-runtime.ts';
import { hostSocketProbe } from '../../agent/container/runtime-sockets.ts';
import { type AttributionLab, startAttribution } from '../support/attribution-lab.ts';
import { cgroupIdOf, until } from '../support/docker-directory.ts';
import { Podman } from '../support/podman.ts';

const podman = new Podman();
let lab: AttributionLab;

beforeAll(async () => {
  await podman.buildImage();
  lab = await startAttribution((parts) => [
    new OptionalRuntime({
      name: 'podman',
      socketPaths: [podman.socketPath],
      create: (socketPath) => {
        const probe = hostSocketProbe('/proc');
        return new DockerRuntime({ ...parts, runtimeName: 'podman', socketPath, probe });
      },
      lookIntervalMs: 100,
    }),
  ]);
});

afterAll(async () => {
  await lab?.close();
  await podman.remove();
});

describe('containers of a real podman', () => {
  it('are recognised by their cgroup without its service, and said to be unknown', async () => {
    const id = await podman.run('nobody', 'sh', '-c', 'sleep 0.05; true');
    const execs = await until('the programs', () => lab.execsOf(id).length === 2 && lab.execsOf(id));
    const path = `/${podman.cgroupParent}/libpod-${id}`;
    for (const { attribution, missing, container } of execs) {
      expect({ attribution, missing }).toEqual({ attribution: 'partial', missing: ['container', 'image', 'posture'] });
      expect(container).toMatchObject({
        id,
        runtime: 'unknown',
        name: id.slice(0, 12),
        image: undefined,
        cgroupPath: path,
      });
      expect(container.posture?.unknownFields).toContain('privileged');
    }
    expect(execs[0]?.execution).toMatchObject({ entry: 'container-init', containerPid: 1 });
    expect(execs[1]?.execution).toMatchObject({ argv: ['sleep', '0.05'], parent: { pid: execs[0]?.event.pid } });
    await podman.removeContainer(id);
    await until('the end', () => lab.directory.get(id)?.state === ContainerState.EXITED);
  });

  it('have names, images and postures once the service answers', async () => {
    const before = await podman.run('before', 'sleep', '600');
    await until('the first program', () => lab.execsOf(before).length === 1);
    expect(lab.execsOf(before)[0]?.missing).toContain('container');
    await podman.serve();
    const known = await until('the service', () => {
      const container = lab.directory.get(before);
      return container?.runtime === 'podman' && container;
    });
    expect(known).toMatchObject({
      ...{ name: 'before', namespace: 'podman', state: ContainerState.RUNNING, image: { reference: podman.image } },
      cgroupId: cgroupIdOf(`${podman.cgroupParent}/libpod-${before}`),
    });
    expect(lab.directory.status().runtimes).toMatchObject([{ name: 'podman', present: true, connected: true }]);
    const after = await podman.run('after', 'sh', '-c', 'sleep 0.05; true');
    const execs = await until('the programs', () => lab.execsOf(after).length === 2 && lab.execsOf(after));
    for (const { missing, container } of execs) {
      expect(missing).toEqual([]);
      expect(container).toMatchObject({ name: 'after', runtime: 'podman', posture: { unknownFields: [] } });
      expect(container.image?.configDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
    }
    await until('the end', () => lab.directory.get(after)?.state === ContainerState.EXITED);
  });
});

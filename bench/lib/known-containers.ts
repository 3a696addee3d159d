import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assumedContainer } from '../../agent/container/assumed-container.ts';
import { type ContainerDirectory, createContainerDirectory } from '../../agent/container/container-directory.ts';
import type { ContainerRuntime, RuntimeSink } from '../../agent/container/runtime.ts';
import { silentLogger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';

/** A directory that knows everything about the containers of these cgroups from the start. */
export async function knownContainers(
  cgroupIds: readonly bigint[],
  metrics: Metrics,
): Promise<{ directory: ContainerDirectory; close(): Promise<void> }> {
  const runtime: ContainerRuntime = {
    name: 'bench',
    async start(sink: RuntimeSink) {
      for (const index of cgroupIds.keys()) {
        const assumed = assumedContainer(containerId(index), 0n, undefined);
        const image = { reference: 'bench', configDigest: 'sha256:1', repoDigests: [], targetDigest: '', platform: '' };
        const posture = assumed.posture && { ...assumed.posture, unknownFields: [] };
        sink.inspected({ ...assumed, runtime: 'bench', image, posture });
      }
    },
    inspect: async () => undefined,
    status: () => ({ name: 'bench', present: true, connected: true, version: '', reason: '' }),
    close: async () => {},
  };
  const cgroupRoot = mkdtempSync(join(tmpdir(), 'tallyman-bench-'));
  const directory = createContainerDirectory({
    ...{ runtimes: [runtime], cgroupRoot, requireCgroup2: false, logger: silentLogger, metrics },
    onVerdict: () => {},
    onUpdate: () => {},
  });
  await directory.start();
  for (const [index, cgroupId] of cgroupIds.entries())
    directory.onCgroupMkdir({ kind: 'cgroup-mkdir', ktimeNs: 1n, cgroupId, path: `/docker/${containerId(index)}` });
  return {
    directory,
    close: async () => {
      await directory.close();
      rmSync(cgroupRoot, { recursive: true });
    },
  };
}

function containerId(index: number): string {
  return index.toString(16).padStart(64, '0');
}

import { join } from 'node:path';
import { ContainerState } from '../container/container.ts';
import type { ContainerDirectory } from '../container/container-directory.ts';
import { readCgroupPids } from '../process/proc-reader.ts';
import type { ProcessTree } from '../process/process-tree.ts';
import type { Sensor } from '../sensor/sensor.ts';

export interface ProcSeedOptions {
  sensor: Pick<Sensor, 'tables'>;
  tree: Pick<ProcessTree, 'seed'>;
  directory: Pick<ContainerDirectory, 'list'>;
  cgroupRoot: string;
}

/**
 * Where the kernel has no task iterator: the processes of running containers are read from /proc, into the tree and the
 * programs' table. Answers how many the tree did not know.
 */
export async function seedFromProc({ sensor, tree, directory, cgroupRoot }: ProcSeedOptions): Promise<number> {
  const running = directory
    .list()
    .filter((container) => container.state === ContainerState.RUNNING && container.cgroupPath !== '');
  let added = 0;
  for (const container of running) {
    const cgroup = join(cgroupRoot, container.cgroupPath);
    // Twice: a process forked by one that the sensor did not know yet is not in the first list, and known then.
    for (let pass = 0; pass < 2; pass++)
      for (const pid of await readCgroupPids(cgroup)) sensor.tables.adoptProcess(pid);
    added += await tree.seed(container.id, cgroup);
  }
  return added;
}

import { assumedContainer } from '../../agent/container/assumed-container.ts';
import type { AttributorOptions } from '../../agent/container/attributor.ts';
import type { CgroupLookup } from '../../agent/container/container.ts';

/** Answers what the test says about each cgroup. */
export class StagedDirectory {
  readonly answers = new Map<bigint, CgroupLookup>();
  readonly seen: string[] = [];
  #listener = (): void => undefined;

  get directory(): AttributorOptions['directory'] {
    return {
      lookup: (cgroupId) => this.answers.get(cgroupId) ?? { state: 'unknown' },
      onCgroupMkdir: (event) => this.seen.push(`mkdir ${event.path}`),
      onCgroupRmdir: (event) => this.seen.push(`rmdir ${event.path}`),
      assume: (cgroupId) => {
        const lookup = this.answers.get(cgroupId);
        return assumedContainer(lookup?.state === 'pending' ? lookup.containerId : undefined, cgroupId, undefined);
      },
      rescan: () => this.seen.push('rescan'),
      subscribe: (listener) => {
        this.#listener = listener;
        return () => undefined;
      },
    };
  }

  settle(cgroupId: bigint, answer: CgroupLookup): void {
    this.answers.set(cgroupId, answer);
    this.#listener();
  }
}

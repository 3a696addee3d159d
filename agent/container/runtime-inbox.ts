import type { CgroupMembers } from './cgroup-members.ts';
import { type Container, ContainerState } from './container.ts';
import type { ContainerTable } from './container-table.ts';
import { mergeDescribed, mergeInspected } from './lifecycle.ts';
import type { RuntimeSink } from './runtime.ts';

/** Enters into the table what runtimes tell. A record that was only assumed gives way to any of it. */
export class RuntimeInbox implements RuntimeSink {
  readonly #table: ContainerTable;
  readonly #members: CgroupMembers;

  constructor(table: ContainerTable, members: CgroupMembers) {
    this.#table = table;
    this.#members = members;
  }

  inspected(container: Container): void {
    this.#put(mergeInspected(this.#confirmed(container.id), container));
  }

  described(container: Container): void {
    const known = this.#confirmed(container.id);
    // An end is nothing to report of a container that was never heard of.
    if (known === undefined && container.state === ContainerState.EXITED) return;
    this.#put(mergeDescribed(known, container));
  }

  renamed(containerId: string, name: string): void {
    const known = this.#confirmed(containerId);
    if (known !== undefined && name !== '') this.#put({ ...known, name });
  }

  livingIds(runtime: string): string[] {
    const living = this.#table.list().filter((container) => container.state !== ContainerState.EXITED);
    return living.filter((container) => container.runtime === runtime).map((container) => container.id);
  }

  #confirmed(containerId: string): Container | undefined {
    return this.#table.isAssumed(containerId) ? undefined : this.#table.get(containerId);
  }

  #put(container: Container): void {
    this.#table.put(this.#members.withCgroup(container), false);
  }
}

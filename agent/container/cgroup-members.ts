import type { Cgroup } from './cgroup-index.ts';
import { type ContainerInPath, parseCgroupPath } from './cgroup-path.ts';
import type { CgroupLookup, Container } from './container.ts';
import type { ContainerResolver } from './container-resolver.ts';
import type { ContainerTable } from './container-table.ts';
import { NestedContainers } from './nested-containers.ts';

/** A cgroup and the containers its path names. */
export interface CgroupMember {
  readonly cgroup: Cgroup;
  /** Outermost first; empty for the agent's own cgroup. */
  readonly containers: readonly ContainerInPath[];
  readonly podUid: string;
  verdict: 'watch' | 'ignore' | undefined;
  /** The container's own cgroup, as told to the kernel with the verdict. */
  containerKey: bigint | undefined;
  /** The answer of a look-up, while the table is at this version. */
  settled: CgroupLookup | undefined;
  settledAtVersion: number;
}

const notContainer: CgroupLookup = { state: 'not-container' };

/**
 * Joins cgroups with containers. A container may make cgroups below its own and call them what it likes, also by the id
 * of another container: below a container that a runtime knows, an id counts only if the first process of the container
 * it belongs to lives there. What else runs in a container is part of it. Around a container that no runtime knows (the
 * node of a cluster in containers, seen from inside) the inner one counts.
 */
export class CgroupMembers {
  readonly #table: ContainerTable;
  readonly #resolver: ContainerResolver;
  readonly #nested: NestedContainers;
  readonly #members = new Map<bigint, CgroupMember>();
  readonly #cgroupsOf = new Map<string, Set<bigint>>();
  /** The agent itself, which is no container to watch. */
  ownCgroupId: bigint | undefined;
  #ownPath: string | undefined;

  constructor(table: ContainerTable, resolver: ContainerResolver, procRoot: string) {
    this.#nested = new NestedContainers(procRoot);
    this.#table = table;
    this.#resolver = resolver;
  }

  get(cgroupId: bigint): CgroupMember | undefined {
    return this.#members.get(cgroupId);
  }

  all(): Iterable<CgroupMember> {
    return this.#members.values();
  }

  add(cgroup: Cgroup): CgroupMember {
    this.forget(cgroup.cgroupId);
    const identity = this.#isOwn(cgroup) ? { containers: [], podUid: '' } : parseCgroupPath(cgroup.path);
    const member: CgroupMember = {
      cgroup,
      ...identity,
      verdict: undefined,
      containerKey: undefined,
      settled: identity.containers.length === 0 ? notContainer : undefined,
      settledAtVersion: Number.POSITIVE_INFINITY,
    };
    this.#members.set(cgroup.cgroupId, member);
    for (const { id } of identity.containers) {
      const cgroups = this.#cgroupsOf.get(id);
      if (cgroups === undefined) this.#cgroupsOf.set(id, new Set([cgroup.cgroupId]));
      else cgroups.add(cgroup.cgroupId);
    }
    return member;
  }

  forget(cgroupId: bigint): void {
    const member = this.#members.get(cgroupId);
    if (member === undefined) return;
    this.#members.delete(cgroupId);
    for (const { id } of member.containers) {
      const cgroups = this.#cgroupsOf.get(id);
      cgroups?.delete(cgroupId);
      if (cgroups?.size === 0) this.#cgroupsOf.delete(id);
    }
  }

  /** All cgroups, of the container itself and below, whose path names it. */
  cgroupsOf(containerId: string): Iterable<bigint> {
    return this.#cgroupsOf.get(containerId) ?? [];
  }

  lookup(member: CgroupMember): CgroupLookup {
    if (member.settled !== undefined) {
      if (member.containers.length === 0 || member.settledAtVersion === this.#table.version) return member.settled;
    }
    member.settled = undefined;
    for (const { id } of member.containers) if (this.#confirmed(id) === undefined) this.#resolver.request(id);
    const index = this.#owner(member);
    if (index === undefined) return notContainer;
    const { id } = member.containers[index] as ContainerInPath;
    const container = this.#confirmed(id);
    if (container === undefined) return this.#open(member, id);
    // An inner container may turn up later: only the innermost answer is final.
    if (index === member.containers.length - 1) this.#settle(member, container);
    return member.settled ?? { state: 'container', container };
  }

  #open(member: CgroupMember, containerId: string): CgroupLookup {
    const assumed = this.#table.get(containerId) ?? this.#table.get(this.outermostCertain(member) ?? '');
    return assumed === undefined ? { state: 'pending', containerId } : { state: 'container', container: assumed };
  }

  /** Index of the container that tasks of this cgroup belong to, as far as is known. */
  #owner(member: CgroupMember): number | undefined {
    const outer = this.#outermost(member);
    if (outer === undefined) return undefined;
    const inner = member.containers.findLastIndex(({ id }, index) => {
      const container = this.#confirmed(id);
      return index > outer && container !== undefined && this.#nested.isAt(container, member.cgroup);
    });
    return inner < 0 ? outer : inner;
  }

  /**
   * Index of the container that everything in this cgroup is part of, unless more is known: the first one that a runtime
   * knows, or may know, or that is one by its place if none does.
   */
  #outermost({ containers }: CgroupMember): number | undefined {
    const known = containers.findIndex(({ id }) => this.#confirmed(id) !== undefined || !this.#resolver.isAbsent(id));
    if (known >= 0) return known;
    const certain = containers.findIndex((container) => container.certain);
    return certain < 0 ? undefined : certain;
  }

  #confirmed(id: string): Container | undefined {
    return this.#table.isAssumed(id) ? undefined : this.#table.get(id);
  }

  #settle(member: CgroupMember, container: Container): void {
    member.settled = { state: 'container', container };
    member.settledAtVersion = this.#table.version;
  }

  /** Undefined while it depends on an answer that is outstanding. */
  verdict(member: CgroupMember): 'watch' | 'ignore' | undefined {
    if (member.containers.length === 0) return 'ignore';
    if (member.containers.some(({ id, certain }) => certain || this.#table.get(id) !== undefined)) return 'watch';
    return member.containers.every(({ id }) => this.#resolver.isAbsent(id)) ? 'ignore' : undefined;
  }

  /** The cgroup of the container it is part of, the one nearest to the root. 0 for what belongs to no container. */
  containerKey(member: CgroupMember): bigint {
    const owner = member.containers[this.#owner(member) ?? 0];
    if (owner === undefined) return 0n;
    return this.#ownCgroup(owner.id)?.cgroup.cgroupId ?? member.cgroup.cgroupId;
  }

  /** The container to make up a record of where nobody answers. */
  outermostCertain(member: CgroupMember): string | undefined {
    return member.containers.find(({ certain }) => certain)?.id;
  }

  /** The container whose innermost part this cgroup is. */
  ownerOf(cgroupId: bigint): string | undefined {
    return this.#members.get(cgroupId)?.containers.at(-1)?.id;
  }

  /**
   * The record with the container's own cgroup: of all that end in its id, the one in the fewest other containers, and of
   * these the one nearest to the root.
   */
  withCgroup(container: Container): Container {
    const own = this.#ownCgroup(container.id);
    if (own === undefined) return container;
    const { cgroupId, path } = own.cgroup;
    return { ...container, cgroupId, cgroupPath: path, podUid: container.podUid || own.podUid };
  }

  #ownCgroup(containerId: string): CgroupMember | undefined {
    let own: CgroupMember | undefined;
    for (const cgroupId of this.cgroupsOf(containerId)) {
      const member = this.#members.get(cgroupId) as CgroupMember;
      if (member.containers.at(-1)?.id !== containerId) continue;
      // Of a container that was started again, the cgroup that was made last counts.
      if (own === undefined || compareDepth(member, own) <= 0) own = member;
    }
    return own;
  }

  #isOwn(cgroup: Cgroup): boolean {
    if (cgroup.cgroupId === this.ownCgroupId) {
      this.#ownPath = cgroup.path;
      return true;
    }
    const { path } = cgroup;
    return this.#ownPath !== undefined && this.#ownPath !== '/' && path.startsWith(`${this.#ownPath}/`);
  }
}

function compareDepth(one: CgroupMember, other: CgroupMember): number {
  return one.containers.length - other.containers.length || one.cgroup.path.length - other.cgroup.path.length;
}

import type { Cgroup } from './cgroup-index.ts';
import { type ContainerInPath, parseCgroupPath } from './cgroup-path.ts';
import type { CgroupLookup, Container } from './container.ts';
import type { ContainerResolver } from './container-resolver.ts';
import type { ContainerTable } from './container-table.ts';

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
 * Joins cgroups with containers. Where containers run in containers, the innermost one that a runtime knows counts; one
 * that every runtime denies is part of the container around it.
 */
export class CgroupMembers {
  readonly #table: ContainerTable;
  readonly #resolver: ContainerResolver;
  readonly #members = new Map<bigint, CgroupMember>();
  readonly #cgroupsOf = new Map<string, Set<bigint>>();
  /** The agent itself, which is no container to watch. */
  ownCgroupId: bigint | undefined;
  #ownPath: string | undefined;

  constructor(table: ContainerTable, resolver: ContainerResolver) {
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
    for (let i = member.containers.length - 1; i >= 0; i--) {
      const { id } = member.containers[i] as ContainerInPath;
      const container = this.#table.get(id);
      if (container !== undefined && !this.#table.isAssumed(id)) {
        // An inner container that was denied may turn up later: only the innermost answer is final.
        if (i === member.containers.length - 1) this.#settle(member, container);
        return member.settled ?? { state: 'container', container };
      }
      this.#resolver.request(id);
      if (!this.#resolver.isAbsent(id)) return this.#open(id, container);
    }
    const id = this.innermostCertain(member);
    return id === undefined ? notContainer : this.#open(id, this.#table.get(id));
  }

  #settle(member: CgroupMember, container: Container): void {
    member.settled = { state: 'container', container };
    member.settledAtVersion = this.#table.version;
  }

  #open(containerId: string, assumed: Container | undefined): CgroupLookup {
    return assumed === undefined ? { state: 'pending', containerId } : { state: 'container', container: assumed };
  }

  /** Undefined while it depends on an answer that is outstanding. */
  verdict(member: CgroupMember): 'watch' | 'ignore' | undefined {
    if (member.containers.length === 0) return 'ignore';
    if (member.containers.some(({ id, certain }) => certain || this.#table.get(id) !== undefined)) return 'watch';
    return member.containers.every(({ id }) => this.#resolver.isAbsent(id)) ? 'ignore' : undefined;
  }

  /**
   * The cgroup of the container it is part of: of the innermost one that is not denied, the one nearest to the root. 0 for
   * what belongs to no container.
   */
  containerKey(member: CgroupMember): bigint {
    const { containers } = member;
    const owner =
      containers.findLast(({ id, certain }) => this.#table.get(id) !== undefined || (certain && !this.#isDenied(id))) ??
      containers[0];
    if (owner === undefined) return 0n;
    return this.#ownCgroup(owner.id)?.cgroup.cgroupId ?? member.cgroup.cgroupId;
  }

  #isDenied(id: string): boolean {
    return this.#resolver.isAbsent(id) && this.#table.get(id) === undefined;
  }

  innermostCertain(member: CgroupMember): string | undefined {
    return member.containers.findLast(({ certain }) => certain)?.id;
  }

  /** The container whose innermost part this cgroup is. */
  ownerOf(cgroupId: bigint): string | undefined {
    return this.#members.get(cgroupId)?.containers.at(-1)?.id;
  }

  /** The record with the container's own cgroup: of all that are its own, the one nearest to the root. */
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
      const sameDepth = own !== undefined && member.cgroup.path.length === own.cgroup.path.length;
      if (own === undefined || sameDepth || member.cgroup.path.length < own.cgroup.path.length) own = member;
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

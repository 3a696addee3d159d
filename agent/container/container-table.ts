import { isDeepStrictEqual } from 'node:util';
import { type Container, ContainerState } from './container.ts';

interface Entry {
  container: Container;
  assumed: boolean;
  exitedAtMs: number | undefined;
}

export interface ContainerTableOptions {
  /** A container has become known or has changed. */
  onUpdate: (container: Container) => void;
  /** How long an exited container is still known. */
  afterLifeMs: number;
  /** Exited containers known at once. */
  maxExited: number;
  /** Containers known at once that no runtime has confirmed. */
  maxAssumed: number;
  nowMs: () => number;
}

/** Containers by id. `assumed` marks records made up from a cgroup path because no runtime answered. */
export class ContainerTable {
  readonly #options: ContainerTableOptions;
  readonly #entries = new Map<string, Entry>();
  /** Exited containers in order of their end. */
  readonly #exited = new Map<string, Entry>();
  #assumedCount = 0;
  #version = 0;

  constructor(options: ContainerTableOptions) {
    this.#options = options;
  }

  /** Changes whenever any record does. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(id: string): Container | undefined {
    return this.#entries.get(id)?.container;
  }

  isAssumed(id: string): boolean {
    return this.#entries.get(id)?.assumed === true;
  }

  list(): Container[] {
    return [...this.#entries.values()].map((entry) => entry.container);
  }

  /** False when an assumed record was not taken because there are too many. */
  put(container: Container, assumed: boolean): boolean {
    const known = this.#entries.get(container.id);
    if (known !== undefined && known.assumed === assumed && isDeepStrictEqual(known.container, container)) return true;
    if (assumed && known?.assumed !== true && this.#assumedCount >= this.#options.maxAssumed) return false;
    this.#assumedCount += Number(assumed) - Number(known?.assumed === true);
    const exited = container.state === ContainerState.EXITED;
    const exitedAtMs = exited ? (known?.exitedAtMs ?? this.#options.nowMs()) : undefined;
    const entry = { container, assumed, exitedAtMs };
    this.#entries.set(container.id, entry);
    if (exited) this.#exited.set(container.id, entry);
    else this.#exited.delete(container.id);
    this.#version++;
    this.sweep();
    this.#options.onUpdate(container);
    return true;
  }

  /** Forgets exited containers whose time is over, and the oldest where there are too many. */
  sweep(): void {
    const { nowMs, afterLifeMs, maxExited } = this.#options;
    for (const [id, entry] of this.#exited) {
      const old = (entry.exitedAtMs ?? 0) + afterLifeMs <= nowMs();
      if (!old && this.#exited.size <= maxExited) return;
      this.#exited.delete(id);
      this.#entries.delete(id);
      this.#assumedCount -= Number(entry.assumed);
      this.#version++;
    }
  }
}

import { existsSync } from 'node:fs';
import type { Container, Image } from './container.ts';
import type { ContainerRuntime, RuntimeSink, RuntimeStatus } from './runtime.ts';

export interface OptionalRuntimeOptions {
  /** What it is called while it is not there. */
  name: string;
  /** Where its socket may be; the first that is there counts. */
  socketPaths: readonly string[];
  create: (socketPath: string) => ContainerRuntime;
  /** How often is looked whether the socket has appeared. Default 5 s. */
  lookIntervalMs?: number;
}

/**
 * A runtime that the host may have or not. Until its socket appears it has no containers; from then on it counts as any
 * other, and its silence as a failure.
 */
export class OptionalRuntime implements ContainerRuntime {
  readonly #options: OptionalRuntimeOptions;
  #runtime: ContainerRuntime | undefined;
  #starting: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: OptionalRuntimeOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#runtime?.name ?? this.#options.name;
  }

  async start(sink: RuntimeSink): Promise<void> {
    this.#timer = setInterval(() => this.#look(sink), this.#options.lookIntervalMs ?? 5000);
    this.#timer.unref();
    this.#look(sink);
    await this.#starting;
  }

  inspect(containerId: string): Promise<Container | undefined> {
    return this.#runtime?.inspect(containerId) ?? Promise.resolve(undefined);
  }

  hint(containerId: string): void {
    this.#runtime?.hint?.(containerId);
  }

  status(): RuntimeStatus {
    if (this.#runtime !== undefined) return this.#runtime.status();
    const reason = `there is no ${this.#options.socketPaths.join(' or ')}`;
    return { name: this.#options.name, present: false, connected: false, version: '', reason };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#runtime?.close();
    await this.#starting;
  }

  async layerDigests(image: Image): Promise<readonly string[]> {
    return (await this.#runtime?.layerDigests?.(image)) ?? [];
  }

  #look(sink: RuntimeSink): void {
    const socketPath = this.#options.socketPaths.find((path) => existsSync(path));
    if (socketPath === undefined) return;
    clearInterval(this.#timer);
    this.#runtime = this.#options.create(socketPath);
    this.#starting = this.#runtime.start(sink);
  }
}

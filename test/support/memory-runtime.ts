import type { Container } from '../../agent/container/container.ts';
import type { ContainerRuntime, RuntimeSink, RuntimeStatus } from '../../agent/container/runtime.ts';
import { CodedError } from '../../common/errors.ts';

/** A runtime that keeps its containers in memory. */
export class MemoryRuntime implements ContainerRuntime {
  readonly name = 'memory';
  readonly containers = new Map<string, Container>();
  readonly asked: string[] = [];
  away = false;
  sink: RuntimeSink | undefined;

  async start(sink: RuntimeSink): Promise<void> {
    this.sink = sink;
    for (const container of this.containers.values()) sink.inspected(container);
  }

  async inspect(id: string): Promise<Container | undefined> {
    this.asked.push(id);
    if (this.away) throw new CodedError('away', 'the runtime is away');
    return this.containers.get(id);
  }

  status(): RuntimeStatus {
    return { name: this.name, present: true, connected: !this.away, version: '1', reason: '' };
  }

  async close(): Promise<void> {}
}

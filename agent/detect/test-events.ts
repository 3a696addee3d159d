import type { Container } from '../container/container.ts';
import type { ProcessExecution } from '../process/process.ts';
import type { AttributedEvent } from './attributed-event.ts';
import { containerOfExample, type EventByExample, eventOfExample, executionOfExample } from './example-event.ts';
import type { ContainerExample, ProcessExample } from './rule-example.ts';

/** Builders of events for tests, in the vocabulary of rule tests; what is not given has an unremarkable value. */
export type ExampleWithoutKind = Omit<EventByExample, 'on'>;

/** A program was executed. */
export function execEvent(example: ExampleWithoutKind = {}): AttributedEvent {
  return eventOfExample({ on: 'exec', ...example });
}

/** A capability was used or denied. */
export function capabilityEvent(example: ExampleWithoutKind = {}): AttributedEvent {
  return eventOfExample({ on: 'capability', ...example });
}

/** connect(2), or a datagram to a new peer. */
export function connectEvent(example: ExampleWithoutKind = {}): AttributedEvent {
  return eventOfExample({ on: 'connect', ...example });
}

/** A TCP socket changed its state. */
export function tcpEvent(example: ExampleWithoutKind = {}): AttributedEvent {
  return eventOfExample({ on: 'tcp', ...example });
}

/** Something happened to a watched file. */
export function fileEvent(example: ExampleWithoutKind = {}): AttributedEvent {
  return eventOfExample({ on: 'file', ...example });
}

/** A running process was found changed. */
export function integrityEvent(example: ExampleWithoutKind = {}): AttributedEvent {
  return eventOfExample({ on: 'integrity', ...example });
}

export function testContainer(example: ContainerExample = {}): Container {
  return containerOfExample(example);
}

export function testExecution(example: ProcessExample = {}, container: Container = testContainer()): ProcessExecution {
  return executionOfExample(example, container.id, 'internal', 40);
}

/** The same event at another time. */
export function later(input: AttributedEvent, byMs: number): AttributedEvent {
  return { ...input, event: { ...input.event, ktimeNs: input.event.ktimeNs + BigInt(byMs) * 1_000_000n } };
}

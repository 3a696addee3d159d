import { firstEphemeralPort } from '../../common/ephemeral-port.ts';
import type { BaselineAnswers, BaselineVerdict, ExecutedProgram } from '../baseline/compiled-baseline.ts';
import type { CapabilityEvent } from '../decode/kernel-event.ts';
import type { BindEvent, ConnectEvent, TcpStateEvent } from '../decode/network-event.ts';
import { oldestOf, parentPathOf } from '../process/origin.ts';
import type { ProcessExecution } from '../process/process.ts';
import type { DetectableEvent } from './attributed-event.ts';
import { commandShapeOf } from './command-shape.ts';

/** What rules see of the baseline of an event's container. */
export class BaselineView {
  readonly #baseline: BaselineAnswers | undefined;

  constructor(baseline: BaselineAnswers | undefined) {
    this.#baseline = baseline;
  }

  get state(): string {
    return this.#baseline?.state ?? 'unknown';
  }
  get version(): string | undefined {
    return this.#baseline?.version;
  }
  get frozen(): boolean {
    return this.#baseline?.frozen ?? false;
  }
}

/** What a baseline says of one event; asked when a rule first reads it. */
class Judgement {
  readonly #baseline: BaselineAnswers | undefined;
  readonly #execution: ProcessExecution | undefined;

  constructor(baseline: BaselineAnswers | undefined, execution: ProcessExecution | undefined) {
    this.#baseline = baseline;
    this.#execution = execution;
  }

  /** The container is older than the agent. */
  get namesMayBeMissing(): boolean {
    return this.#execution !== undefined && !oldestOf(this.#execution).observed;
  }

  /** What people and health checks put in from outside does is not what the workload does: no baseline speaks of it. */
  of(ask: (baseline: BaselineAnswers, executablePath: string) => BaselineVerdict): BaselineVerdict {
    if (this.#baseline === undefined) return 'unknown';
    if (this.#execution !== undefined && oldestOf(this.#execution).entry === 'exec-session') return 'unknown';
    return ask(this.#baseline, this.#execution?.executable.path ?? '');
  }
}

export class ExecBaselineView extends BaselineView {
  readonly #judgement: Judgement;
  readonly #execution: ProcessExecution | undefined;
  #program: ExecutedProgram | undefined;

  constructor(baseline: BaselineAnswers | undefined, execution: ProcessExecution | undefined) {
    super(baseline);
    this.#judgement = new Judgement(baseline, execution);
    this.#execution = execution;
  }

  get executable(): BaselineVerdict {
    return this.#of((baseline, program) => baseline.executable(program));
  }
  get arguments(): BaselineVerdict {
    return this.#of((baseline, program) => baseline.arguments(program));
  }

  #of(ask: (baseline: BaselineAnswers, program: ExecutedProgram) => BaselineVerdict): BaselineVerdict {
    const execution = this.#execution;
    if (execution === undefined) return 'unknown';
    return this.#judgement.of((baseline) => {
      this.#program ??= programOf(execution);
      return ask(baseline, this.#program);
    });
  }
}

function programOf(execution: ProcessExecution): ExecutedProgram {
  return {
    path: execution.executable.path,
    parentPath: parentPathOf(execution),
    shape: commandShapeOf(execution).shape,
  };
}

export class CapabilityBaselineView extends BaselineView {
  readonly #judgement: Judgement;
  readonly #event: CapabilityEvent;

  constructor(baseline: BaselineAnswers | undefined, execution: ProcessExecution | undefined, event: CapabilityEvent) {
    super(baseline);
    this.#judgement = new Judgement(baseline, execution);
    this.#event = event;
  }

  get capability(): BaselineVerdict {
    const name = this.#event.capabilityName;
    return this.#judgement.of((baseline, executablePath) => baseline.capability({ name, executablePath }));
  }
}

export class ConnectBaselineView extends BaselineView {
  readonly #judgement: Judgement;
  readonly #event: ConnectEvent;

  constructor(baseline: BaselineAnswers | undefined, execution: ProcessExecution | undefined, event: ConnectEvent) {
    super(baseline);
    this.#judgement = new Judgement(baseline, execution);
    this.#event = event;
  }

  get destination(): BaselineVerdict {
    return destinationOf(this.#judgement, this.#event);
  }
}

export class TcpBaselineView extends BaselineView {
  readonly #judgement: Judgement;
  readonly #event: TcpStateEvent;

  constructor(baseline: BaselineAnswers | undefined, execution: ProcessExecution | undefined, event: TcpStateEvent) {
    super(baseline);
    this.#judgement = new Judgement(baseline, execution);
    this.#event = event;
  }

  get destination(): BaselineVerdict {
    const { state } = this.#event;
    if (state !== 'established' && state !== 'failed') return 'unknown';
    return destinationOf(this.#judgement, { ...this.#event, transport: 'tcp' });
  }
  get listen(): BaselineVerdict {
    const { state, localPort: port } = this.#event;
    if (state !== 'listening') return 'unknown';
    return this.#judgement.of((baseline, executablePath) =>
      baseline.listen({ transport: 'tcp', port, executablePath }),
    );
  }
}

export class BindBaselineView extends BaselineView {
  readonly #judgement: Judgement;
  readonly #event: BindEvent;

  constructor(baseline: BaselineAnswers | undefined, execution: ProcessExecution | undefined, event: BindEvent) {
    super(baseline);
    this.#judgement = new Judgement(baseline, execution);
    this.#event = event;
  }

  /** A TCP socket serves once it listens, and a UDP socket on a port that the kernel chose is a client's. */
  get listen(): BaselineVerdict {
    const { transport, localPort: port } = this.#event;
    if (transport !== 'udp' || port === 0 || port >= firstEphemeralPort) return 'unknown';
    return this.#judgement.of((baseline, executablePath) => baseline.listen({ transport, port, executablePath }));
  }
}

function destinationOf(
  judgement: Judgement,
  to: Pick<ConnectEvent, 'transport' | 'remoteAddress' | 'remotePort' | 'remoteNames'>,
): BaselineVerdict {
  const { transport, remoteAddress: address, remotePort: port, remoteNames: names } = to;
  return judgement.of((baseline, executablePath) => {
    const { namesMayBeMissing } = judgement;
    return baseline.destination({ transport, address, port, names, namesMayBeMissing, executablePath });
  });
}

/** What rules read of a container's baseline with an event; undefined stands for a container's start. */
export function baselineViewOf(
  event: DetectableEvent | undefined,
  execution: ProcessExecution | undefined,
  baseline: BaselineAnswers | undefined,
): BaselineView {
  switch (event?.kind) {
    case 'exec':
      return new ExecBaselineView(baseline, execution);
    case 'capability':
      return new CapabilityBaselineView(baseline, execution, event);
    case 'connect':
      return new ConnectBaselineView(baseline, execution, event);
    case 'tcp':
      return new TcpBaselineView(baseline, execution, event);
    case 'bind':
      return new BindBaselineView(baseline, execution, event);
    default:
      return new BaselineView(baseline);
  }
}

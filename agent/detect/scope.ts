import type { Baselines } from '../baseline/baseline-store.ts';
import type { BaselineAnswers } from '../baseline/compiled-baseline.ts';
import type { Container } from '../container/container.ts';
import type { ExecEvent } from '../decode/kernel-event.ts';
import type { ProcessExecution } from '../process/process.ts';
import type { AttributedEvent, DetectableEvent } from './attributed-event.ts';
import { type BaselineView, baselineViewOf } from './baseline-view.ts';
import { ContainerView } from './container-view.ts';
import { CapabilityEventView, ExecEventView, NamespaceEventView, PostureEventView } from './event-view.ts';
import type { EventKind } from './field-catalog.ts';
import { FileEventView } from './file-event-view.ts';
import { IntegrityEventView } from './integrity-view.ts';
import { networkViewOf } from './network-view.ts';
import { ProcessView } from './process-view.ts';
import { noSentenceFacts, type SentenceFacts } from './sentence-facts.ts';
import { SyscallEventView } from './syscall-event-view.ts';

/** The variables of one evaluation; each is made when a rule first reads it. */
export class EventScope {
  readonly kind: EventKind;
  readonly #event: DetectableEvent | undefined;
  readonly #container: Container;
  readonly #execution: ProcessExecution | undefined;
  readonly #facts: SentenceFacts;
  readonly #baselines: Baselines | undefined;
  #baseline: BaselineAnswers | undefined | null = null;
  #baselineView: BaselineView | undefined;
  #eventView: object | undefined;
  #processView: ProcessView | undefined;
  #containerView: ContainerView | undefined;

  constructor(
    kind: EventKind,
    event: DetectableEvent | undefined,
    container: Container,
    execution: ProcessExecution | undefined,
    facts: SentenceFacts,
    baselines: Baselines | undefined,
  ) {
    this.kind = kind;
    this.#event = event;
    this.#container = container;
    this.#execution = execution;
    this.#facts = facts;
    this.#baselines = baselines;
  }

  get event(): object {
    this.#eventView ??= eventViewOf(this.#event);
    return this.#eventView;
  }

  get process(): ProcessView | undefined {
    if (this.#execution === undefined) return undefined;
    this.#processView ??= new ProcessView(this.#execution, this.#facts, this.#container.healthCheckCommand);
    return this.#processView;
  }

  get container(): ContainerView {
    this.#containerView ??= new ContainerView(this.#container);
    return this.#containerView;
  }

  get baseline(): BaselineView {
    this.#baselineView ??= baselineViewOf(this.#event, this.#execution, this.#findBaseline());
    return this.#baselineView;
  }

  /** Whether what is not in the container's baseline is unexpected. */
  get hasReadyBaseline(): boolean {
    return this.#findBaseline()?.isReady === true;
  }

  #findBaseline(): BaselineAnswers | undefined {
    if (this.#baseline === null) this.#baseline = this.#baselines?.of(this.#container);
    return this.#baseline;
  }
}

export function scopeOfEvent(
  input: AttributedEvent,
  facts: SentenceFacts = noSentenceFacts,
  baselines?: Baselines,
): EventScope {
  return new EventScope(input.event.kind, input.event, input.container, actingExecution(input), facts, baselines);
}

export function scopeOfContainer(container: Container, baselines?: Baselines): EventScope {
  return new EventScope('posture', undefined, container, undefined, noSentenceFacts, baselines);
}

/** An exec record tells nearly all of an execution itself: when the process tree has none, it is made from the record. */
export function actingExecution(input: AttributedEvent): ProcessExecution | undefined {
  if (input.execution !== undefined) return input.execution;
  return input.event.kind === 'exec' ? executionOfRecord(input.event, input.container.id) : undefined;
}

function executionOfRecord(event: ExecEvent, containerId: string): ProcessExecution {
  return {
    executionId: '',
    pid: event.pid,
    containerPid: event.containerPid,
    startKtimeNs: event.startKtimeNs,
    execId: event.execId,
    execKtimeNs: event.ktimeNs,
    endKtimeNs: undefined,
    executable: event.executable,
    filename: event.filename,
    interpreter: event.interpreter,
    argv: event.argv,
    argvTruncated: event.argvTruncated,
    cwd: event.cwd,
    comm: event.comm,
    credentials: event.credentials,
    capabilities: event.capabilities,
    before: event.before,
    stdioSockets: event.stdioSockets,
    hasTty: event.hasTty,
    tty: event.tty,
    sessionId: event.sessionId,
    loginUid: event.loginUid,
    secureExec: event.secureExec,
    entry: event.fromOutside ? (event.containerPid === 1 ? 'container-init' : 'exec-session') : 'internal',
    observed: true,
    containerId,
    parent: undefined,
    parentMissing: !event.fromOutside,
    exitCode: undefined,
    exitSignal: undefined,
    coreDumped: undefined,
  };
}

function eventViewOf(event: DetectableEvent | undefined): object {
  if (event === undefined) return new PostureEventView();
  switch (event.kind) {
    case 'exec':
      return new ExecEventView();
    case 'capability':
      return new CapabilityEventView(event);
    case 'namespace':
      return new NamespaceEventView(event);
    case 'syscall':
      return new SyscallEventView(event);
    case 'file':
      return new FileEventView(event);
    case 'integrity':
      return new IntegrityEventView(event);
    default:
      return networkViewOf(event);
  }
}

import { LRUCache } from 'lru-cache';
import type { ProcessExecution } from '../../../proto/generated/tallyman/v1/process.ts';
import type { ExecutionEnded } from '../../../proto/generated/tallyman/v1/uplink.ts';
import { executionSpanId } from '../../decide/trace-ids.ts';
import type { ExecutionEnd, TracePlace } from './spans.ts';

export interface OpenExecution {
  place: TracePlace;
  execution: ProcessExecution;
  parentSpanId: string;
}

export interface SpanLedgerOptions {
  /** How long after the alert an execution's end is waited for. */
  lingerMs: number;
  maxOpen: number;
  maxRemembered: number;
  /** Called exactly once for each execution of each trace; `end` undefined: it still runs. */
  complete(open: OpenExecution, end: ExecutionEnd | undefined): void;
  now?: () => number;
}

interface Waiting extends OpenExecution {
  deadlineMs: number;
}

/**
 * Knows which spans have been given out, and holds the executions whose end is awaited. Both are bounded: the oldest
 * span id is forgotten (repeating it would be harmless, ids are computed), the oldest open execution is given out as
 * still running.
 */
export class SpanLedger {
  readonly #options: SpanLedgerOptions;
  readonly #given: LRUCache<string, true>;
  /** Ends that came before the alert: papers may take seconds, the process milliseconds. */
  readonly #ends: LRUCache<string, ExecutionEnd>;
  /** By "<trace id>:<execution id>", in the order of their deadlines. */
  readonly #open = new Map<string, Waiting>();
  readonly #tracesOf = new Map<string, Set<string>>();
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SpanLedgerOptions) {
    this.#options = options;
    this.#given = new LRUCache({ max: options.maxRemembered });
    this.#ends = new LRUCache({ max: options.maxRemembered });
    this.#now = options.now ?? Date.now;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** True the first time it is asked for a span. */
  claim(traceId: string, spanId: string): boolean {
    const key = `${traceId}:${spanId}`;
    if (this.#given.get(key) === true) return false;
    this.#given.set(key, true);
    return true;
  }

  /** Gives the execution out at once when its end is known, else when the end is reported or the linger time is over. */
  add(open: OpenExecution): void {
    const { execution, place } = open;
    if (!this.claim(place.traceId, executionSpanId(execution.executionId))) return;
    const end = endOf(execution) ?? this.#ends.get(execution.executionId);
    if (end !== undefined) this.#options.complete(open, end);
    else this.#wait(open);
  }

  #wait(open: OpenExecution): void {
    const { execution, place } = open;
    if (this.#open.size >= this.#options.maxOpen) this.#giveOutOldest();
    const key = `${place.traceId}:${execution.executionId}`;
    this.#open.set(key, { ...open, deadlineMs: this.#now() + this.#options.lingerMs });
    const traces = this.#tracesOf.get(execution.executionId) ?? new Set();
    this.#tracesOf.set(execution.executionId, traces.add(key));
    this.#schedule();
  }

  ended(ended: ExecutionEnded): void {
    const end = { endUnixNs: ended.endUnixNs, exitCode: ended.exitCode, exitSignal: ended.exitSignal };
    this.#ends.set(ended.executionId, end);
    for (const key of [...(this.#tracesOf.get(ended.executionId) ?? [])]) this.#giveOut(key, end);
  }

  /** Gives out everything that is still open. */
  giveOutAll(): void {
    for (const key of [...this.#open.keys()]) this.#giveOut(key, undefined);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #giveOutOldest(): void {
    const [oldest] = this.#open.keys();
    if (oldest !== undefined) this.#giveOut(oldest, undefined);
  }

  #giveOut(key: string, end: ExecutionEnd | undefined): void {
    const open = this.#open.get(key);
    if (open === undefined) return;
    this.#open.delete(key);
    const traces = this.#tracesOf.get(open.execution.executionId);
    traces?.delete(key);
    if (traces?.size === 0) this.#tracesOf.delete(open.execution.executionId);
    this.#options.complete(open, end);
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    const [next] = this.#open.values();
    if (next === undefined) return;
    this.#timer = setTimeout(() => this.#expire(), Math.max(next.deadlineMs - this.#now(), 0));
    this.#timer.unref();
  }

  #expire(): void {
    this.#timer = undefined;
    const now = this.#now();
    for (const [key, waiting] of [...this.#open]) {
      if (waiting.deadlineMs > now) break;
      this.#giveOut(key, undefined);
    }
    this.#schedule();
  }
}

function endOf(execution: ProcessExecution): ExecutionEnd | undefined {
  if (execution.endUnixNs <= 0n) return undefined;
  return { endUnixNs: execution.endUnixNs, exitCode: execution.exitCode, exitSignal: execution.exitSignal };
}

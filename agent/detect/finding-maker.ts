import { randomUUID } from 'node:crypto';
import { uptime } from 'node:os';
import type { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import type { FindingRepeats } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { Container } from '../container/container.ts';
import type { AttributedEvent, WallClock } from './attributed-event.ts';
import { DedupeTable, type Repeats } from './dedupe.ts';
import type { DetectMetrics } from './detect-metrics.ts';
import { ancestryEvidence, eventEvidence, postureEvidence } from './evidence.ts';
import { createFinding, dataGapEvidence, dedupeKeyOf, fieldEvidence } from './finding.ts';
import { FindingBudget, type FindingBudgetOptions, overflowKeyOf } from './finding-budget.ts';
import type { RuleProgram } from './rule.ts';
import { actingExecution, type EventScope } from './scope.ts';

export interface FindingMakerOptions {
  clock: WallClock;
  /** False when records of this container around this time are known to be lost; asked beside what the event says itself. */
  completeness?: (containerId: string, ktimeNs: bigint) => boolean;
  /** When repeats of a finding are told first; later summaries come at growing distances. Default 60 000. */
  firstSummaryMs?: number;
  /** Findings of each severity whose repeats are recognised. Default 4096. */
  maxDedupeEntries?: number;
  /** How many different findings a rule below high can make in one container. Default 200 at once, one in two seconds. */
  findingBudget?: FindingBudgetOptions;
  /** CLOCK_BOOTTIME now; for tests. */
  nowKtimeNs?: () => bigint;
}

/** What is due, or all that is not told, of one container or of all. */
export type RepeatsWanted = 'due' | 'all' | { containerId: string };

const hourMs = 3_600_000;

/** Makes findings of matches: recognises what repeats an earlier one, keeps to budgets, and gathers the evidence. */
export class FindingMaker {
  readonly #options: FindingMakerOptions;
  readonly #metrics: DetectMetrics;
  readonly #dedupe: DedupeTable;
  readonly #budget: FindingBudget;
  readonly #nowKtimeNs: () => bigint;

  constructor(options: FindingMakerOptions, metrics: DetectMetrics) {
    this.#options = options;
    this.#metrics = metrics;
    this.#nowKtimeNs = options.nowKtimeNs ?? bootTimeNs;
    this.#dedupe = new DedupeTable({
      firstSummaryNs: nanoseconds(options.firstSummaryMs ?? 60_000),
      maxSummaryNs: nanoseconds(hourMs),
      forgetNs: nanoseconds(2 * hourMs),
      maxAgeNs: nanoseconds(24 * hourMs),
      maxEntries: options.maxDedupeEntries ?? 4_096,
    });
    this.#budget = new FindingBudget(options.findingBudget ?? { burst: 200, perSecond: 0.5 });
    this.#metrics.untoldRepeats(() => this.#dedupe.untold);
  }

  /** Undefined where it repeats an earlier one, which is counted. */
  ofEvent(program: RuleProgram, scope: EventScope, input: AttributedEvent): Finding | undefined {
    const { event, container, attribution, missing } = input;
    const { clock } = this.#options;
    const { rule } = program;
    const dedupeKey = this.#keyOf(program, scope, container.id, event.ktimeNs);
    const findingId = randomUUID();
    const identity = { key: dedupeKey, ruleId: rule.id, containerId: container.id, severity: rule.severity };
    if (!this.#dedupe.admit(identity, event.ktimeNs, findingId)) {
      this.#metrics.suppressed(rule.id);
      return undefined;
    }
    this.#metrics.found(rule);
    return createFinding(program, scope, {
      findingId,
      event: eventEvidence(event, clock),
      ancestry: ancestryEvidence(actingExecution(input), clock),
      container,
      attribution,
      missing,
      dataComplete: input.dataComplete && (this.#options.completeness?.(container.id, event.ktimeNs) ?? true),
      dataGaps: dataGapEvidence(input.losses ?? [], clock),
      fields: fieldEvidence(program, scope),
      dedupeKey,
    });
  }

  /** On how a container was started; not recognised as a repeat here. */
  ofContainer(program: RuleProgram, scope: EventScope, container: Container): Finding {
    this.#metrics.found(program.rule);
    const fields = fieldEvidence(program, scope);
    const unknown = container.posture?.unknownFields ?? [];
    return createFinding(program, scope, {
      findingId: randomUUID(),
      event: postureEvidence(fields, this.#startOf(container)),
      ancestry: { processes: [], complete: true },
      container,
      attribution: unknown.length === 0 ? 'complete' : 'partial',
      missing: unknown.map((field) => `posture.${field}`),
      dataComplete: true,
      dataGaps: [],
      fields,
      dedupeKey: dedupeKeyOf(program, scope, container.id),
    });
  }

  /** How often findings have come again. */
  repeats(which: RepeatsWanted): FindingRepeats[] {
    const now = this.#nowKtimeNs();
    const taken = (() => {
      if (which === 'due') return this.#dedupe.takeDue(now);
      return this.#dedupe.takeAll(now, which === 'all' ? undefined : which.containerId);
    })();
    return taken.map((repeats) => this.#reportedRepeats(repeats));
  }

  #keyOf(program: RuleProgram, scope: EventScope, containerId: string, ktimeNs: bigint): string {
    const { rule } = program;
    const key = dedupeKeyOf(program, scope, containerId);
    if (this.#dedupe.knows({ key, severity: rule.severity }, ktimeNs)) return key;
    return this.#budget.take(rule, containerId, ktimeNs) ? key : overflowKeyOf(rule, containerId);
  }

  #reportedRepeats({
    findingId,
    ruleId,
    containerId,
    severity,
    count,
    firstKtimeNs,
    lastKtimeNs,
  }: Repeats): FindingRepeats {
    const { clock } = this.#options;
    const window = { firstUnixNs: clock.unixNs(firstKtimeNs), lastUnixNs: clock.unixNs(lastKtimeNs) };
    return { findingId, ruleId, containerId, severity, count, ...window };
  }

  /** A posture exists from the container's start; what was never used is known after a while. */
  #startOf(container: Container): bigint {
    if (container.unusedCapabilities.length > 0) return this.#options.clock.unixNs(this.#nowKtimeNs());
    if (container.startedUnixNs > 0n) return container.startedUnixNs;
    if (container.createdUnixNs > 0n) return container.createdUnixNs;
    return this.#options.clock.unixNs(this.#nowKtimeNs());
  }
}

function nanoseconds(milliseconds: number): bigint {
  return BigInt(milliseconds) * 1_000_000n;
}

/** CLOCK_BOOTTIME in steps of 10 ms, which is enough to see that a window is over. */
function bootTimeNs(): bigint {
  return BigInt(Math.trunc(uptime() * 1_000)) * 1_000_000n;
}

import { randomUUID } from 'node:crypto';
import { uptime } from 'node:os';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { growingLru } from '../../common/lru.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { Finding, Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import type { FindingRepeats } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { BaselineStore } from '../baseline/baseline-store.ts';
import type { Container } from '../container/container.ts';
import type { AttributedEvent, WallClock } from './attributed-event.ts';
import { DedupeTable, type Repeats } from './dedupe.ts';
import { createDetectMetrics, type DetectMetrics } from './detect-metrics.ts';
import { RuleEngine, type RuleState } from './engine.ts';
import { ancestryEvidence, eventEvidence, postureEvidence } from './evidence.ts';
import type { EventKind } from './field-catalog.ts';
import { createFinding, dataGapEvidence, dedupeKeyOf, fieldEvidence } from './finding.ts';
import { FindingBudget, type FindingBudgetOptions, overflowKeyOf } from './finding-budget.ts';
import type { Rule, RuleProgram } from './rule.ts';
import { loadRules } from './rule-loader.ts';
import { actingExecution, type EventScope, scopeOfContainer, scopeOfEvent } from './scope.ts';
import type { SentenceFacts } from './sentence-facts.ts';

export interface DetectorOptions {
  /** Directories of rule files; ids are unique over all of them. */
  rulesDirs: readonly string[];
  clock: WallClock;
  logger: Logger;
  metrics: Metrics;
  /** False when records of this container around this time are known to be lost; asked beside what the event says itself. */
  completeness?: (containerId: string, ktimeNs: bigint) => boolean;
  /** What workloads normally do. Without, rules that need to know are not evaluated. */
  baselines?: Pick<BaselineStore, 'of' | 'hasReady'>;
  /** When repeats of a finding are told first; later summaries come at growing distances. Default 60 000. */
  firstSummaryMs?: number;
  /** Findings of each severity whose repeats are recognised. Default 4096. */
  maxDedupeEntries?: number;
  /** How many different findings a rule below high can make in one container. Default 200 at once, one in two seconds. */
  findingBudget?: FindingBudgetOptions;
  /** Failures after which a rule is not evaluated any more. Default 100. */
  maxRuleErrors?: number;
  /** What sentences tell beside the event; nothing by default. */
  sentenceFacts?: SentenceFacts;
  /** CLOCK_BOOTTIME now; for tests. */
  nowKtimeNs?: () => bigint;
}

export interface RuleInfo {
  id: string;
  title: string;
  severity: Severity;
  on: readonly EventKind[];
  version: string;
  file: string;
  state: RuleState;
  /** Events it failed on since it was loaded. */
  errors: number;
}

export type ReloadResult = { ok: true; rules: number } | { ok: false; reason: string };

export interface Detector {
  /** Findings of an event, without those that repeat an earlier one. Never throws. */
  onEvent(input: AttributedEvent): Finding[];
  /** The same of an event that came before the baseline of its container, by the rules that need one. Never throws. */
  onBaseline(input: AttributedEvent): Finding[];
  /** Findings on how a container was started: each rule once per container. Call it whenever its record changes. */
  onContainer(container: Container): Finding[];
  forgetContainer(containerId: string): void;
  /** How often findings have come again: what is due, or all that is not told, of one container or of all. */
  repeats(which: 'due' | 'all' | { containerId: string }): FindingRepeats[];
  rules(): RuleInfo[];
  /** Reads the rule files again. Broken ones are refused as a whole: the rules that are loaded stay. */
  reload(): ReloadResult;
}

const maxPostureContainers = 65_536;
const hourMs = 3_600_000;

/** @throws RulesInvalidError with every problem of every rule file. */
export function createDetector(options: DetectorOptions): Detector {
  return new RuleDetector(options);
}

class RuleDetector implements Detector {
  readonly #options: DetectorOptions;
  readonly #metrics: DetectMetrics;
  readonly #dedupe: DedupeTable;
  readonly #budget: FindingBudget;
  /** Posture rules that have fired, by container. */
  readonly #postureFired = growingLru<string, Set<string>>(maxPostureContainers);
  readonly #nowKtimeNs: () => bigint;
  #rules: readonly Rule[];
  #engine: RuleEngine;

  constructor(options: DetectorOptions) {
    this.#options = options;
    this.#metrics = createDetectMetrics(options.metrics);
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
    this.#rules = loadRules(options.rulesDirs);
    this.#engine = this.#createEngine(this.#rules);
  }

  onEvent(input: AttributedEvent): Finding[] {
    this.#metrics.eventSeen(input.event.kind);
    const { sentenceFacts, baselines } = this.#options;
    const scope = scopeOfEvent(input, sentenceFacts, baselines);
    return this.#findingsOf(this.#engine.match(scope), scope, input);
  }

  onBaseline(input: AttributedEvent): Finding[] {
    const { sentenceFacts, baselines } = this.#options;
    const scope = scopeOfEvent(input, sentenceFacts, baselines);
    return this.#findingsOf(this.#engine.match(scope, { needingBaseline: true }), scope, input);
  }

  onContainer(container: Container): Finding[] {
    // What the sandbox of a pod shares with its node, the containers of the pod share, and they are the ones to be named.
    if (container.sandbox) return [];
    const scope = scopeOfContainer(container, this.#options.baselines);
    const fired = this.#postureFired.get(container.id) ?? new Set<string>();
    const findings: Finding[] = [];
    for (const program of this.#engine.match(scope)) {
      if (fired.has(program.rule.id)) continue;
      fired.add(program.rule.id);
      findings.push(this.#findingOfContainer(program, scope, container));
    }
    if (fired.size > 0) this.#postureFired.set(container.id, fired);
    return findings;
  }

  forgetContainer(containerId: string): void {
    this.#postureFired.delete(containerId);
  }

  repeats(which: 'due' | 'all' | { containerId: string }): FindingRepeats[] {
    const now = this.#nowKtimeNs();
    const taken = (() => {
      if (which === 'due') return this.#dedupe.takeDue(now);
      return this.#dedupe.takeAll(now, which === 'all' ? undefined : which.containerId);
    })();
    return taken.map((repeats) => this.#reportedRepeats(repeats));
  }

  rules(): RuleInfo[] {
    return this.#rules.map((rule) => ({
      id: rule.id,
      title: rule.title,
      severity: rule.severity,
      on: rule.source.on,
      version: rule.version,
      file: rule.file,
      state: this.#engine.stateOf(rule.id),
      errors: this.#engine.errorsOf(rule.id),
    }));
  }

  reload(): ReloadResult {
    try {
      const rules = loadRules(this.#options.rulesDirs);
      this.#engine = this.#createEngine(rules);
      this.#rules = rules;
      this.#metrics.reloaded('loaded');
      this.#options.logger.info({ rules: rules.length }, 'rules loaded');
      return { ok: true, rules: rules.length };
    } catch (error) {
      const reason = errorText(error);
      this.#metrics.reloaded('refused');
      this.#options.logger.error({ reason }, 'rule files refused: the rules that were loaded before stay');
      return { ok: false, reason };
    }
  }

  #createEngine(rules: readonly Rule[]): RuleEngine {
    const { logger } = this.#options;
    const engine = new RuleEngine(rules, {
      logger,
      maxRuleErrors: this.#options.maxRuleErrors ?? 100,
      onRuleError: (rule) => this.#metrics.ruleFailed(rule.id),
      onExcepted: (rule) => this.#metrics.excepted(rule.id),
      hasReadyBaseline: () => this.#options.baselines?.hasReady === true,
    });
    this.#metrics.rulesLoaded(() => rules.map((rule) => engine.stateOf(rule.id)));
    return engine;
  }

  #findingsOf(matched: readonly RuleProgram[], scope: EventScope, input: AttributedEvent): Finding[] {
    const findings: Finding[] = [];
    for (const program of matched) {
      const finding = this.#findingOfEvent(program, scope, input);
      if (finding !== undefined) findings.push(finding);
    }
    return findings;
  }

  #findingOfEvent(program: RuleProgram, scope: EventScope, input: AttributedEvent): Finding | undefined {
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

  #keyOf(program: RuleProgram, scope: EventScope, containerId: string, ktimeNs: bigint): string {
    const { rule } = program;
    const key = dedupeKeyOf(program, scope, containerId);
    if (this.#dedupe.knows({ key, severity: rule.severity }, ktimeNs)) return key;
    return this.#budget.take(rule, containerId, ktimeNs) ? key : overflowKeyOf(rule, containerId);
  }

  #findingOfContainer(program: RuleProgram, scope: EventScope, container: Container): Finding {
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

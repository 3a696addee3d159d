import { randomUUID } from 'node:crypto';
import { uptime } from 'node:os';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { growingLru } from '../../common/lru.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { Finding, Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import type { BaselineStore } from '../baseline/baseline-store.ts';
import type { Container } from '../container/container.ts';
import type { AttributedEvent, WallClock } from './attributed-event.ts';
import { DedupeTable, type SuppressedFindings } from './dedupe.ts';
import { createDetectMetrics, type DetectMetrics } from './detect-metrics.ts';
import { RuleEngine, type RuleState } from './engine.ts';
import { ancestryEvidence, eventEvidence, postureEvidence } from './evidence.ts';
import type { EventKind } from './field-catalog.ts';
import { createFinding, dataGapEvidence, dedupeKeyOf, fieldEvidence } from './finding.ts';
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
  /** How long repeats of a finding are suppressed. Default 60 000. */
  dedupeWindowMs?: number;
  /** Keys remembered for it. Default 16 384. */
  maxDedupeEntries?: number;
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
  /** Counts of suppressed findings that no later finding will carry; call it now and then, with `all` before the end. */
  flushSuppressed(options?: { all?: boolean }): SuppressedFindings[];
  rules(): RuleInfo[];
  /** Reads the rule files again. Broken ones are refused as a whole: the rules that are loaded stay. */
  reload(): ReloadResult;
}

const maxPostureContainers = 65_536;
/** Far beyond any window: all of them are over. */
const endOfTimeNs = 1n << 63n;

/** @throws RulesInvalidError with every problem of every rule file. */
export function createDetector(options: DetectorOptions): Detector {
  return new RuleDetector(options);
}

class RuleDetector implements Detector {
  readonly #options: DetectorOptions;
  readonly #metrics: DetectMetrics;
  readonly #dedupe: DedupeTable;
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
      windowNs: BigInt(options.dedupeWindowMs ?? 60_000) * 1_000_000n,
      maxEntries: options.maxDedupeEntries ?? 16_384,
    });
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

  flushSuppressed(options: { all?: boolean } = {}): SuppressedFindings[] {
    return this.#dedupe.flush(options.all === true ? endOfTimeNs : this.#nowKtimeNs());
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
    const dedupeKey = dedupeKeyOf(program, scope, container.id);
    const findingId = randomUUID();
    const identity = { key: dedupeKey, ruleId: rule.id, containerId: container.id };
    const admission = this.#dedupe.admit(identity, event.ktimeNs, findingId);
    if (!admission.admitted) {
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
      suppressedCount: admission.suppressedCount,
    });
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
      suppressedCount: 0n,
    });
  }

  /** A posture exists from the container's start; what was never used is known after a while. */
  #startOf(container: Container): bigint {
    if (container.unusedCapabilities.length > 0) return this.#options.clock.unixNs(this.#nowKtimeNs());
    if (container.startedUnixNs > 0n) return container.startedUnixNs;
    if (container.createdUnixNs > 0n) return container.createdUnixNs;
    return this.#options.clock.unixNs(this.#nowKtimeNs());
  }
}

/** CLOCK_BOOTTIME in steps of 10 ms, which is enough to see that a window is over. */
function bootTimeNs(): bigint {
  return BigInt(Math.trunc(uptime() * 1_000)) * 1_000_000n;
}

import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { growingLru } from '../../common/lru.ts';
import type { Metrics } from '../../common/metrics.ts';
import type { Finding, Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import type { FindingRepeats } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { BaselineStore } from '../baseline/baseline-store.ts';
import type { Container } from '../container/container.ts';
import type { AttributedEvent } from './attributed-event.ts';
import { createDetectMetrics, type DetectMetrics } from './detect-metrics.ts';
import { RuleEngine, type RuleState } from './engine.ts';
import type { EventKind } from './field-catalog.ts';
import { FindingMaker, type FindingMakerOptions, type RepeatsWanted } from './finding-maker.ts';
import type { Rule, RuleProgram } from './rule.ts';
import { loadRules } from './rule-loader.ts';
import { type EventScope, scopeOfContainer, scopeOfEvent } from './scope.ts';
import type { SentenceFacts } from './sentence-facts.ts';

export interface DetectorOptions extends FindingMakerOptions {
  /** Directories of rule files; ids are unique over all of them. */
  rulesDirs: readonly string[];
  logger: Logger;
  metrics: Metrics;
  /** What workloads normally do. Without, rules that need to know are not evaluated. */
  baselines?: Pick<BaselineStore, 'of' | 'hasReady'>;
  /** Failures after which a rule is not evaluated any more. Default 100. */
  maxRuleErrors?: number;
  /** What sentences tell beside the event; nothing by default. */
  sentenceFacts?: SentenceFacts;
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
  repeats(which: RepeatsWanted): FindingRepeats[];
  rules(): RuleInfo[];
  /** Reads the rule files again. Broken ones are refused as a whole: the rules that are loaded stay. */
  reload(): ReloadResult;
}

const maxPostureContainers = 65_536;

/** @throws RulesInvalidError with every problem of every rule file. */
export function createDetector(options: DetectorOptions): Detector {
  return new RuleDetector(options);
}

class RuleDetector implements Detector {
  readonly #options: DetectorOptions;
  readonly #metrics: DetectMetrics;
  readonly #findings: FindingMaker;
  /** Posture rules that have fired, by container. */
  readonly #postureFired = growingLru<string, Set<string>>(maxPostureContainers);
  #rules: readonly Rule[];
  #engine: RuleEngine;

  constructor(options: DetectorOptions) {
    this.#options = options;
    this.#metrics = createDetectMetrics(options.metrics);
    this.#findings = new FindingMaker(options, this.#metrics);
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
      findings.push(this.#findings.ofContainer(program, scope, container));
    }
    if (fired.size > 0) this.#postureFired.set(container.id, fired);
    return findings;
  }

  forgetContainer(containerId: string): void {
    this.#postureFired.delete(containerId);
  }

  repeats(which: RepeatsWanted): FindingRepeats[] {
    return this.#findings.repeats(which);
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
      const finding = this.#findings.ofEvent(program, scope, input);
      if (finding !== undefined) findings.push(finding);
    }
    return findings;
  }
}

import type { Logger } from '../../common/logger.ts';
import type { EventKind } from './field-catalog.ts';
import type { Rule, RuleProgram } from './rule.ts';
import { type Indexed, RuleIndex } from './rule-index.ts';
import type { EventScope } from './scope.ts';

export interface EngineOptions {
  logger: Logger;
  /** A rule that failed this often is not evaluated any more. */
  maxRuleErrors: number;
  onRuleError?(rule: Rule): void;
  onExcepted?(rule: Rule, exception: string): void;
  /** Whether there is a baseline that is ready, of any container. */
  hasReadyBaseline?(): boolean;
  /** A monotonic reading in milliseconds; for tests. */
  nowMs?: () => number;
}

/** One evaluation in so many is timed. */
const timedEvery = 64;
/** A condition needs microseconds. One that needs this long, this often in a row, would cost the node more than it tells. */
const slowMs = 5;
const maxSlowInARow = 8;

/**
 * - active: it is evaluated;
 * - inactive: it needs a baseline and this agent has none that is ready;
 * - disabled: an override switches it off;
 * - quarantined: its condition failed too often, or took too long.
 */
export type RuleState = 'active' | 'inactive' | 'disabled' | 'quarantined';

interface Health {
  state: RuleState;
  /** Evaluated only where the container's baseline is ready. */
  needsBaseline: boolean;
  errors: number;
  /** Evaluations that took too long, without one between them that did not. */
  slowInARow: number;
}

interface Slot extends Indexed {
  program: RuleProgram;
  health: Health;
  /** Its rule's place among the others. */
  order: number;
}

/** Evaluates rules, indexed by kind of event and by the values they need. One rule's failure never keeps the others from being evaluated. */
export class RuleEngine {
  readonly #options: EngineOptions;
  readonly #slots = new Map<EventKind, RuleIndex<Slot>>();
  readonly #health = new Map<string, Health>();
  readonly #nowMs: () => number;
  #matches = 0;

  constructor(rules: readonly Rule[], options: EngineOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    for (const rule of rules) {
      const state: RuleState = rule.enabled ? 'active' : 'disabled';
      const health: Health = { state, needsBaseline: rule.baseline === 'required', errors: 0, slowInARow: 0 };
      this.#health.set(rule.id, health);
      for (const program of rule.programs)
        this.#slotsOf(program.kind).add({ program, health, needs: program.when.needs, order: this.#health.size });
    }
  }

  /** The rules that match, in the order they were given; on request only those that need a baseline. Never throws. */
  match(scope: EventScope, only: { needingBaseline: boolean } = { needingBaseline: false }): RuleProgram[] {
    const matched: Slot[] = [];
    const isTimed = ++this.#matches % timedEvery === 0;
    this.#slotsOf(scope.kind).forEach(scope, (slot) => {
      const { state, needsBaseline } = slot.health;
      if (state !== 'active' || (needsBaseline ? !scope.hasReadyBaseline : only.needingBaseline)) return;
      if (isTimed ? this.#matchesTimed(slot, scope) : this.#matchesOne(slot, scope)) matched.push(slot);
    });
    if (matched.length > 1) matched.sort((a, b) => a.order - b.order);
    return matched.map(({ program }) => program);
  }

  stateOf(ruleId: string): RuleState {
    const health = this.#health.get(ruleId);
    if (health === undefined) return 'inactive';
    const isIdle = health.state === 'active' && health.needsBaseline && this.#options.hasReadyBaseline?.() !== true;
    return isIdle ? 'inactive' : health.state;
  }

  errorsOf(ruleId: string): number {
    return this.#health.get(ruleId)?.errors ?? 0;
  }

  #matchesOne({ program, health }: Slot, scope: EventScope): boolean {
    try {
      if (!program.when.mayMatch(scope) || !program.when.evaluate(scope)) return false;
      const exception = program.exceptions.find((candidate) => candidate.applies(scope));
      if (exception !== undefined) this.#options.onExcepted?.(program.rule, exception.name);
      return exception === undefined;
    } catch (error) {
      this.#failed(program.rule, health, error);
      return false;
    }
  }

  #matchesTimed(slot: Slot, scope: EventScope): boolean {
    const startedMs = this.#nowMs();
    const matches = this.#matchesOne(slot, scope);
    const tookMs = this.#nowMs() - startedMs;
    slot.health.slowInARow = tookMs < slowMs ? 0 : slot.health.slowInARow + 1;
    if (slot.health.slowInARow >= maxSlowInARow && slot.health.state === 'active')
      this.#quarantine(slot.program.rule, slot.health, { tookMs: Math.round(tookMs) }, 'it takes too long');
    return matches;
  }

  #slotsOf(kind: EventKind): RuleIndex<Slot> {
    let slots = this.#slots.get(kind);
    if (slots === undefined) {
      slots = new RuleIndex();
      this.#slots.set(kind, slots);
    }
    return slots;
  }

  #failed(rule: Rule, health: Health, error: unknown): void {
    health.errors++;
    this.#options.onRuleError?.(rule);
    const { logger, maxRuleErrors } = this.#options;
    if (health.errors === 1) logger.warn({ ruleId: rule.id, file: rule.file, err: error }, 'rule failed on an event');
    if (health.errors >= maxRuleErrors && health.state !== 'quarantined')
      this.#quarantine(rule, health, { failures: health.errors, err: error }, 'it fails');
  }

  #quarantine(rule: Rule, health: Health, facts: object, reason: string): void {
    health.state = 'quarantined';
    this.#options.logger.error(
      { ruleId: rule.id, file: rule.file, ...facts },
      `rule is not evaluated any more, because ${reason}: correct its "when"; it is evaluated again once that is loaded`,
    );
  }
}

import type { Logger } from '../../common/logger.ts';
import type { EventKind } from './field-catalog.ts';
import type { Rule, RuleProgram } from './rule.ts';
import type { EventScope } from './scope.ts';

export interface EngineOptions {
  logger: Logger;
  /** A rule that failed this often is not evaluated any more. */
  maxRuleErrors: number;
  onRuleError?(rule: Rule): void;
  onExcepted?(rule: Rule, exception: string): void;
}

/**
 * - active: it is evaluated;
 * - inactive: it needs a baseline and this agent has none;
 * - quarantined: its condition failed too often.
 */
export type RuleState = 'active' | 'inactive' | 'quarantined';

interface Health {
  state: RuleState;
  errors: number;
}

interface Slot {
  program: RuleProgram;
  health: Health;
}

/** Evaluates rules, indexed by kind of event. One rule's failure never keeps the others from being evaluated. */
export class RuleEngine {
  readonly #options: EngineOptions;
  readonly #slots = new Map<EventKind, Slot[]>();
  readonly #health = new Map<string, Health>();

  constructor(rules: readonly Rule[], options: EngineOptions) {
    this.#options = options;
    for (const rule of rules) {
      const health: Health = { state: rule.baseline === 'required' ? 'inactive' : 'active', errors: 0 };
      this.#health.set(rule.id, health);
      for (const program of rule.programs) this.#slotsOf(program.kind).push({ program, health });
    }
  }

  /** The rules that match, in the order they were given. Never throws. */
  match(scope: EventScope): RuleProgram[] {
    const matched: RuleProgram[] = [];
    for (const { program, health } of this.#slotsOf(scope.kind)) {
      if (health.state !== 'active') continue;
      try {
        if (!program.when.mayMatch(scope) || !program.when.evaluate(scope)) continue;
        const exception = program.exceptions.find((candidate) => candidate.applies(scope));
        if (exception === undefined) matched.push(program);
        else this.#options.onExcepted?.(program.rule, exception.name);
      } catch (error) {
        this.#failed(program.rule, health, error);
      }
    }
    return matched;
  }

  stateOf(ruleId: string): RuleState {
    return this.#health.get(ruleId)?.state ?? 'inactive';
  }

  errorsOf(ruleId: string): number {
    return this.#health.get(ruleId)?.errors ?? 0;
  }

  #slotsOf(kind: EventKind): Slot[] {
    let slots = this.#slots.get(kind);
    if (slots === undefined) {
      slots = [];
      this.#slots.set(kind, slots);
    }
    return slots;
  }

  #failed(rule: Rule, health: Health, error: unknown): void {
    health.errors++;
    this.#options.onRuleError?.(rule);
    const { logger, maxRuleErrors } = this.#options;
    if (health.errors === 1) logger.warn({ ruleId: rule.id, file: rule.file, err: error }, 'rule failed on an event');
    if (health.errors < maxRuleErrors || health.state === 'quarantined') return;
    health.state = 'quarantined';
    logger.error(
      { ruleId: rule.id, file: rule.file, failures: health.errors, err: error },
      'rule is not evaluated any more: correct its "when" and load the rules again',
    );
  }
}

/** ok; degraded: works with less; pending: not decided yet; failing: does not do what it is there for. */
export type CheckState = 'ok' | 'degraded' | 'pending' | 'failing';

export interface CheckResult {
  state: CheckState;
  /** In words; empty when there is nothing to say. */
  reason: string;
}

export type Check = () => CheckResult;

export interface ReadinessReport {
  ready: boolean;
  checks: Record<string, CheckResult>;
}

/** The checks behind /readyz. Ready: none of them is pending or failing. */
export class Readiness {
  readonly #checks = new Map<string, Check>();

  /** Answers the way to take it away again. A second check of the same name replaces the first. */
  add(name: string, check: Check): () => void {
    this.#checks.set(name, check);
    return () => {
      if (this.#checks.get(name) === check) this.#checks.delete(name);
    };
  }

  report(): ReadinessReport {
    const checks: Record<string, CheckResult> = {};
    for (const [name, check] of this.#checks) checks[name] = run(check);
    const ready = Object.values(checks).every(({ state }) => state === 'ok' || state === 'degraded');
    return { ready, checks };
  }
}

function run(check: Check): CheckResult {
  try {
    return check();
  } catch (thrown) {
    return { state: 'failing', reason: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

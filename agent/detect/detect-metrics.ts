import type { Metrics } from '../../common/metrics.ts';
import type { RuleState } from './engine.ts';
import { type EventKind, eventKinds } from './field-catalog.ts';
import type { Rule } from './rule.ts';
import { severityName } from './severity-name.ts';

/** What detection counts: one method per thing that happens. */
export interface DetectMetrics {
  eventSeen(kind: EventKind): void;
  found(rule: Rule): void;
  suppressed(ruleId: string): void;
  /** Asked whenever metrics are read. */
  untoldRepeats(count: () => bigint): void;
  excepted(ruleId: string): void;
  ruleFailed(ruleId: string): void;
  reloaded(outcome: 'loaded' | 'refused'): void;
  /** `states` is asked whenever metrics are read. */
  rulesLoaded(states: () => RuleState[]): void;
}

const ruleStates: readonly RuleState[] = ['active', 'inactive', 'disabled', 'quarantined'];

export function createDetectMetrics(metrics: Metrics): DetectMetrics {
  const findings = metrics.counter('findings_total', 'Findings reported.', ['rule', 'severity']);
  const suppressed = metrics.counter('findings_suppressed_total', 'Findings that repeated one reported.', ['rule']);
  const excepted = metrics.counter('findings_excepted_total', 'Matches that an exception of the rule took out.', [
    'rule',
  ]);
  const errors = metrics.counter('rule_errors_total', 'Events on which a rule failed.', ['rule']);
  const reloads = metrics.counter('rule_reloads_total', 'Times the rule files were read again.', ['outcome']);
  const reportStates = createStateGauge(metrics);
  return {
    eventSeen: createEventCounter(metrics),
    found: (rule) => findings.inc({ rule: rule.id, severity: severityName(rule.severity) }),
    suppressed: (rule) => suppressed.inc({ rule }),
    untoldRepeats: createUntoldGauge(metrics),
    excepted: (rule) => excepted.inc({ rule }),
    ruleFailed: (rule) => errors.inc({ rule }),
    reloaded: (outcome) => reloads.inc({ outcome }),
    rulesLoaded: reportStates,
  };
}

/** Counts in plain numbers and hands them over when metrics are read: labels are too slow for every event. */
function createEventCounter(metrics: Metrics): (kind: EventKind) => void {
  const counter = metrics.counter('detect_events_total', 'Events evaluated by the rules.', ['kind']);
  const pending: Record<EventKind, number> = Object.fromEntries(eventKinds.map((kind) => [kind, 0])) as Record<
    EventKind,
    number
  >;
  const collect = (): void => {
    for (const kind of eventKinds) {
      if (pending[kind] > 0) counter.inc({ kind }, pending[kind]);
      pending[kind] = 0;
    }
  };
  Object.assign(counter, { collect });
  return (kind) => {
    pending[kind]++;
  };
}

function createUntoldGauge(metrics: Metrics): (count: () => bigint) => void {
  const gauge = metrics.gauge('finding_repeats_untold', 'Suppressed findings that no summary tells, since the start.');
  return (count) => void Object.assign(gauge, { collect: () => gauge.set(Number(count())) });
}

function createStateGauge(metrics: Metrics): (states: () => RuleState[]) => void {
  const gauge = metrics.gauge('rules', 'Rules loaded, by state.', ['state']);
  let states: () => RuleState[] = () => [];
  const collect = (): void => {
    const current = states();
    for (const state of ruleStates) gauge.set({ state }, current.filter((other) => other === state).length);
  };
  Object.assign(gauge, { collect });
  return (next) => {
    states = next;
  };
}

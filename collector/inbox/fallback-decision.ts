import type { CorrelatedFinding, Decision } from '../decide/alert.ts';
import { severityOfFinding, severityRank } from '../decide/severity.ts';

/** When the policy cannot be applied: the rule's own severity, and the reason. A finding never vanishes in a failing policy. */
export function fallbackDecision(correlated: CorrelatedFinding, problem: string): Decision {
  const severity = severityOfFinding(correlated.finding.severity);
  const score = 10 + 20 * severityRank(severity);
  return {
    action: 'alert',
    severity,
    score,
    reasons: [
      { text: `rule severity is ${severity}`, points: score },
      { text: `the policy could not be applied: ${problem}`, points: 0 },
    ],
    policyVersion: 'none@000000000000',
  };
}

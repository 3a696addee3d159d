import type { Alert } from '../decide/alert.ts';

export const alertSubjectPrefix = 'tallyman.v1.alerts';
const maxTokenCharacters = 64;

/**
 * `tallyman.v1.alerts.<cluster>.<namespace>.<severity>.<rule-id>`: seven tokens, at most 223 characters. What users and
 * rules name is reduced to lower-case letters, digits, "-" and "_", so that no name can add a token or a wildcard.
 */
export function natsSubjectOf(alert: Alert): string {
  const tokens = [alert.cluster, alert.namespace, alert.decision.severity, alert.correlated.finding.ruleId];
  return [alertSubjectPrefix, ...tokens.map(subjectToken)].join('.');
}

/** One token of a NATS subject; "_" when nothing is left. */
export function subjectToken(text: string): string {
  const token = text
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '_')
    .slice(0, maxTokenCharacters);
  return token === '' ? '_' : token;
}

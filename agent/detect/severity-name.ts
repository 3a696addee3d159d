import { Severity } from '../../proto/generated/tallyman/v1/finding.ts';

const names: Record<number, string> = {
  [Severity.INFO]: 'info',
  [Severity.LOW]: 'low',
  [Severity.MEDIUM]: 'medium',
  [Severity.HIGH]: 'high',
  [Severity.CRITICAL]: 'critical',
};

/** "critical"; "unspecified" for what is none of ours. */
export function severityName(severity: Severity): string {
  return names[severity] ?? 'unspecified';
}

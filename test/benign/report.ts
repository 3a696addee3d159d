import { severityName } from '../../agent/detect/severity-name.ts';
import { type Finding, Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import type { BenignResult } from './suite.ts';

/** What nobody should be woken by: medium or higher, but for how a container was started. */
export function falsePositives({ findings }: BenignResult): Finding[] {
  return findings.filter(({ severity, event }) => severity >= Severity.MEDIUM && event?.kind !== 'posture');
}

/** The findings, without what repeats them, counted by rule and severity, and how much was going on. */
export function reportOf(result: BenignResult, seconds: number): string {
  const counts = new Map<string, number>();
  for (const { ruleId, severity } of result.findings) {
    const key = `${severityName(severity).padEnd(9)} ${ruleId}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const events = [...result.events.values()].reduce((sum, count) => sum + count, 0);
  const acts = [...result.operator.done.values()].reduce((sum, count) => sum + count, 0);
  return [
    `benign: ${events} events of ${result.events.size} containers in ${seconds} s; ${acts} acts of operators, ${result.operator.failures.length} failed`,
    ...[...counts].sort().map(([key, count]) => `  ${key.padEnd(50)} ${count}`),
    `benign: ${falsePositives(result).length} findings of medium or higher beside posture`,
  ].join('\n');
}

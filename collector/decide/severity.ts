import { Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import type { SeverityWord } from './alert.ts';

/** Mildest first; the index is the rank. */
export const severityWords: readonly SeverityWord[] = ['info', 'low', 'medium', 'high', 'critical'];

export function severityRank(word: SeverityWord): number {
  return severityWords.indexOf(word);
}

/** `rank` is clamped to the words there are. */
export function severityOfRank(rank: number): SeverityWord {
  return severityWords[Math.min(Math.max(Math.trunc(rank), 0), severityWords.length - 1)] ?? 'medium';
}

/**
 * The rule's own severity. A finding that names none, or one this version does not know, counts as medium: it must
 * neither vanish nor wake anybody.
 */
export function severityOfFinding(severity: Severity): SeverityWord {
  switch (severity) {
    case Severity.INFO:
      return 'info';
    case Severity.LOW:
      return 'low';
    case Severity.HIGH:
      return 'high';
    case Severity.CRITICAL:
      return 'critical';
    default:
      return 'medium';
  }
}

/** Severity numbers of the OpenTelemetry log data model, https://opentelemetry.io/docs/specs/otel/logs/data-model/ */
export const otelSeverityNumbers = {
  info: 9,
  low: 13,
  medium: 14,
  high: 17,
  critical: 21,
} as const satisfies Record<SeverityWord, number>;

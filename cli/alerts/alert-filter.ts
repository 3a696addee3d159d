import type { SeverityWord } from '../options.ts';
import { severityWords } from '../options.ts';
import type { AlertView } from '../terminal/alert-view.ts';

export interface AlertFilter {
  /** This severity and worse. */
  severity?: SeverityWord;
  rule?: string;
  namespace?: string;
}

export function matches(alert: AlertView, filter: AlertFilter): boolean {
  const rank = (word: SeverityWord): number => severityWords.indexOf(word);
  if (filter.severity !== undefined && rank(alert.severity) < rank(filter.severity)) return false;
  if (filter.rule !== undefined && alert.ruleId !== filter.rule) return false;
  return filter.namespace === undefined || alert.namespace === filter.namespace;
}

export const isFiltering = (filter: AlertFilter): boolean =>
  filter.severity !== undefined || filter.rule !== undefined || filter.namespace !== undefined;

import { type BaselineBook, containerKey } from './baseline-book.ts';
import type { BaselineContainer } from './fact-record.ts';
import { isOpen } from './head.ts';

/** Around an alert nothing of its container is learned, by its node's clock. */
const beforeMs = 60_000;
const afterMs = 10 * 60_000;

export interface NotedAlert {
  nodeName: string;
  containerId: string;
  ruleId: string;
  /** By the node's clock. */
  atUnixMs: number;
}

/**
 * Facts of the container around this time are not learned; those that already are, are taken back. Answers the baseline of which
 * something was taken back, and how many facts. @throws {CodedError} of the store, of which facts are read.
 */
export function refuseAround(
  book: BaselineBook,
  alert: NotedAlert,
): { baselineId: string; refused: number } | undefined {
  const one = book.containers.get(containerKey(alert.nodeName, alert.containerId));
  const head = one === undefined ? undefined : book.heads.get(one.baselineId);
  if (one === undefined || head === undefined) return undefined;
  one.alertFromUnixMs = alert.atUnixMs - beforeMs;
  one.alertUntilUnixMs = alert.atUnixMs + afterMs;
  one.alertRuleId = alert.ruleId;
  // One in a flood of alerts is not worth a transaction: a crash may forget it, for some seconds.
  book.containerCounted(one);
  if (head.frozen || (head.learned && !isOpen(head))) return undefined;
  let refused = 0;
  const facts = book.factsOf(head.id);
  for (const record of facts.records.values()) {
    const isItsOwn = record.status === 'learned' && record.containerId === one.containerId && record.reports > 0;
    if (!isItsOwn || !isInAlert(one, record.firstSeenUnixMs)) continue;
    facts.setStatus(record, 'refused');
    record.note = refusalNote(one);
    book.factChanged(head.id, record.key);
    refused++;
  }
  return { baselineId: head.id, refused };
}

export function isInAlert({ alertFromUnixMs, alertUntilUnixMs }: BaselineContainer, atUnixMs: number): boolean {
  return alertUntilUnixMs !== 0 && atUnixMs >= alertFromUnixMs && atUnixMs <= alertUntilUnixMs;
}

export function refusalNote({ containerId, alertRuleId }: BaselineContainer): string {
  return `seen in ${containerId.slice(0, 12)} beside an alert of ${alertRuleId}`;
}

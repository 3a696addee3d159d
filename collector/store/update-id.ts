/** Separates an alert's id from what makes the id of its update; no id of an alert holds it. */
const separator = ':repeats:';

/** The id of the event that tells of so many repeats of an alert. */
export function updateIdOf(alertId: string, count: number): string {
  return `${alertId}${separator}${count}`;
}

/** What the id of an update says; undefined for ids of alerts. */
export function parseUpdateId(messageId: string): { alertId: string; count: number } | undefined {
  const at = messageId.indexOf(separator);
  if (at < 0) return undefined;
  return { alertId: messageId.slice(0, at), count: Number(messageId.slice(at + separator.length)) };
}

const decisionSeparator = ':decided:';

/** The id of the event that tells that an alert was decided again, for the so many-th time. */
export function decisionIdOf(alertId: string, revision: number): string {
  return `${alertId}${decisionSeparator}${revision}`;
}

/** What such an id says; undefined for all others. */
export function parseDecisionId(messageId: string): { alertId: string; revision: number } | undefined {
  const at = messageId.indexOf(decisionSeparator);
  if (at < 0) return undefined;
  return { alertId: messageId.slice(0, at), revision: Number(messageId.slice(at + decisionSeparator.length)) };
}

/** Types of records and items whose loss hides no use of a privilege. */
const irrelevantTypes: ReadonlySet<string> = new Set([
  ...['connect', 'sendmsg', 'dns', 'fanout', 'unix-connect', 'namespace', 'syscall', 'file', 'integrity', 'finding'],
  ...['connected', 'accepted', 'resolved', 'unix-connected', 'namespace-changed', 'file-changed'],
]);

/** Whether what was lost may have been the use of a privilege; what is not known may. */
export function mayHideUse(lostType: string): boolean {
  return !irrelevantTypes.has(lostType);
}

import type { KernelEventKind } from '../../agent/decode/kernel-event.ts';

/** Kinds of events by the type of their record, where the names differ. */
export const kindsByType: ReadonlyMap<string, KernelEventKind> = new Map([
  ['tcp-state', 'tcp'],
  ['dns', 'dns-segment'],
]);

import type { DataGap, Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import type { Store } from '../store/store.ts';

/** How far around a loss its effects are reckoned with, as agents do: an exec that was lost matters to what follows. */
const marginMs = 60_000;
const maxDataGaps = 32;
/** Lost beside or behind the rules: nothing that the agent's own conclusions lack. */
const afterDetection: ReadonlySet<string> = new Set(['observation', 'uplink-queue', 'ingest', 'publish']);

/**
 * Adds to a finding the losses around it that its agent told of apart from it: a finding leaves at once, and what was lost
 * before it may be known only later.
 */
export function addKnownGaps(finding: Finding, nodeName: string, store: Pick<Store, 'listGaps'>): void {
  const containerId = finding.container?.id;
  const event = finding.event;
  const about = event?.evidence?.$case;
  if (event === undefined || about === 'posture' || about === 'image') return;
  const atUnixMs = Number(event.timeUnixNs / 1_000_000n);
  const known = store.listGaps({
    nodeName,
    ...(containerId === undefined ? {} : { containerId }),
    ...{ fromUnixMs: atUnixMs - marginMs, toUnixMs: atUnixMs + marginMs, limit: maxDataGaps },
  });
  for (const { gap } of known) {
    if (afterDetection.has(gap.hop)) continue;
    finding.dataComplete = false;
    const { hop, type, reason, fromUnixNs, toUnixNs } = gap;
    const count = gap.totalCount > gap.count ? gap.totalCount : gap.count;
    add(finding, { hop, type, reason, count, fromUnixNs, toUnixNs, wholeNode: gap.containerIds.length === 0 });
  }
}

/** The agent may have told of the same loss with the finding, with a smaller count. */
function add(finding: Finding, gap: DataGap): void {
  const same = finding.dataGaps.find(
    ({ hop, type, reason, wholeNode, fromUnixNs, toUnixNs }) =>
      hop === gap.hop &&
      type === gap.type &&
      reason === gap.reason &&
      wholeNode === gap.wholeNode &&
      fromUnixNs <= gap.toUnixNs &&
      toUnixNs >= gap.fromUnixNs,
  );
  if (same === undefined) {
    if (finding.dataGaps.length < maxDataGaps) finding.dataGaps.push(gap);
    return;
  }
  if (gap.count > same.count) same.count = gap.count;
  if (gap.fromUnixNs < same.fromUnixNs) same.fromUnixNs = gap.fromUnixNs;
  if (gap.toUnixNs > same.toUnixNs) same.toUnixNs = gap.toUnixNs;
}

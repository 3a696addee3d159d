import type { DataGap, Finding } from '../../../proto/generated/tallyman/v1/finding.ts';
import { showText } from './text.ts';

const maxShown = 3;

/** What may be missing from a finding, in words; undefined when nothing is known to be. */
export function dataGapsText(finding: Finding): string | undefined {
  if (finding.dataComplete) return undefined;
  if (finding.dataGaps.length === 0) return 'incomplete, records were lost around this event';
  const shown = finding.dataGaps.slice(0, maxShown).map(dataGapText);
  const more = finding.dataGaps.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more losses`] : [])].join('; ');
}

/** "incomplete between 03:14:03Z and 03:14:09Z: 1412 exec records of this container lost (throttled)" */
function dataGapText({ type, reason, count, fromUnixNs, toUnixNs, wholeNode }: DataGap): string {
  const whose = wholeNode ? 'of this node' : 'of this container';
  const records = count === 1n ? 'record' : 'records';
  const what = `${count} ${showText(type, 40)} ${records} ${whose} lost (${showText(reason, 100)})`;
  return `incomplete between ${timeText(fromUnixNs)} and ${timeText(toUnixNs)}: ${what}`;
}

function timeText(unixNs: bigint): string {
  const unixMs = Number(unixNs / 1_000_000n);
  return Math.abs(unixMs) <= 8.64e15 ? `${new Date(unixMs).toISOString().slice(11, 19)}Z` : 'an unknown time';
}

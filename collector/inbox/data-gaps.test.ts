import { expect, it } from 'vitest';
import { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';
import { dataGapsText } from '../publish/formats/data-gaps.ts';
import type { GapFilter } from '../store/store.ts';
import { addKnownGaps } from './data-gaps.ts';

const secondNs = 1_000_000_000n;
const throttled = {
  ...{ hop: 'budget', type: 'exec', reason: 'throttled', containerIds: ['c'], count: 2n, totalCount: 1_412n },
  ...{ fromUnixNs: 100n * secondNs, toUnixNs: 106n * secondNs },
};

function finding(change: Parameters<typeof Finding.fromPartial>[0] = {}): Finding {
  const event = { kind: 'exec', timeUnixNs: 110n * secondNs, evidence: { $case: 'exec' as const, value: {} } };
  return Finding.fromPartial({ event, container: { id: 'c' }, dataComplete: true, ...change });
}

function storeOf(...gaps: Parameters<typeof Gap.fromPartial>[0][]) {
  const asked: GapFilter[] = [];
  const listGaps = (filter: GapFilter) => {
    asked.push(filter);
    return gaps.map((gap) => ({ nodeName: 'n', gap: Gap.fromPartial(gap), receivedAtUnixMs: 1 }));
  };
  return { asked, listGaps };
}

it('says on a finding what its agent told apart from it', () => {
  const store = storeOf(throttled, { ...throttled, type: 'fork', containerIds: [], totalCount: 0n });
  const one = finding();
  addKnownGaps(one, 'n', store);
  expect(store.asked).toEqual([{ nodeName: 'n', containerId: 'c', fromUnixMs: 50_000, toUnixMs: 170_000, limit: 32 }]);
  expect(one.dataComplete).toBe(false);
  expect(dataGapsText(one)).toBe(
    'incomplete between 00:01:40Z and 00:01:46Z: 1412 exec records of this container lost (throttled); ' +
      'incomplete between 00:01:40Z and 00:01:46Z: 2 fork records of this node lost (throttled)',
  );
});

it('does not say the same loss twice', () => {
  const known = { ...throttled, count: 40n, toUnixNs: 103n * secondNs, wholeNode: false };
  const one = finding({ dataComplete: false, dataGaps: [known] });
  addKnownGaps(one, 'n', storeOf(throttled));
  expect(one.dataGaps).toMatchObject([{ count: 1_412n, toUnixNs: 106n * secondNs }]);
});

it('does not doubt a finding for what was lost behind detection, nor how a container was started', () => {
  const one = finding();
  addKnownGaps(one, 'n', storeOf({ ...throttled, hop: 'uplink-queue' }));
  expect([one.dataComplete, dataGapsText(one)]).toEqual([true, undefined]);
  const posture = finding({ event: { kind: 'posture', evidence: { $case: 'posture', value: {} } } });
  addKnownGaps(posture, 'n', storeOf(throttled));
  expect(posture.dataComplete).toBe(true);
});

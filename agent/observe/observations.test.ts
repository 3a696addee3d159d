import { expect, it } from 'vitest';
import { dnsOf } from '../../test/support/kernel-events.ts';
import { assumedContainer } from '../container/assumed-container.ts';
import type { AttributedEvent } from '../detect/attributed-event.ts';
import { Observations } from './observations.ts';

const container = assumedContainer('c'.repeat(64), 2n, undefined);

function resolved(queryName: string): AttributedEvent {
  const event = { ...dnsOf({ pid: 1, startKtimeNs: 1n, cgroupId: 2n }, 3n), queryName };
  return {
    ...{ event, container, execution: undefined, attribution: 'partial', missing: [], dataComplete: true, losses: [] },
  } as AttributedEvent;
}

it('reports a name once, and a thousand names of a container', () => {
  const observations = new Observations({ unixNs: (ktimeNs) => ktimeNs });
  expect(observations.observe(resolved('a'))?.fact).toEqual({
    $case: 'resolved',
    value: { queryName: 'a', queryType: 'A', responseCode: 'NOERROR' },
  });
  expect(observations.observe(resolved('a'))).toBeUndefined();
  const told = Array.from({ length: 5_000 }, (_, index) => observations.observe(resolved(`n${index}`)));
  expect(told.filter((each) => each !== undefined)).toHaveLength(999);
});

import { describe, expect, it } from 'vitest';
import { baselineKeyOf } from '../../common/baseline-key.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { Baseline, BaselineState } from '../../proto/generated/tallyman/v1/baseline.ts';
import { BaselineStore } from '../baseline/baseline-store.ts';
import type { AttributedEvent } from './attributed-event.ts';
import { AwaitedEvents } from './awaited-events.ts';
import { connectEvent, execEvent, fileEvent, later } from './test-events.ts';

const program = execEvent({ process: { executable: { path: '/usr/bin/curl' } } });

function waiting(change: { maxPerContainer?: number; maxEvents?: number } = {}) {
  const metrics = new Metrics('agent');
  const store = new BaselineStore({ logger: silentLogger, metrics });
  const clock = { nowKtimeNs: program.event.ktimeNs };
  const awaited = new AwaitedEvents({ store, nowKtimeNs: () => clock.nowKtimeNs, metrics, ...change });
  const key = store.keyOf(program.container) ?? '';
  return { store, awaited, clock, key };
}

function inContainer(id: string, of: AttributedEvent = program): AttributedEvent {
  return { ...of, container: { ...of.container, id } };
}

describe('events that wait for a baseline', () => {
  it('are given back, oldest first, when it comes; those of other workloads go on waiting', () => {
    const { awaited, key } = waiting();
    const stranger = execEvent({ container: { id: 's', name: 'stranger' } });
    const connect = connectEvent();
    for (const event of [program, stranger, connect, inContainer('d')]) awaited.hold(event);
    expect(awaited.take(key)).toEqual([program, connect, inContainer('d')]);
    expect([awaited.take(key), awaited.size]).toEqual([[], 1]);
  });

  it('are none where the baseline is there, where there can be none, and of kinds that baselines do not know', () => {
    const { awaited, store } = waiting();
    awaited.hold(fileEvent());
    awaited.hold(execEvent({ container: { image: { configDigest: '' } } }));
    const answer = baselineKeyOf(program.container);
    const baseline = Baseline.fromPartial({ ...('key' in answer ? answer : {}), state: BaselineState.LEARNING });
    store.update({ baselines: [baseline], removed: [] });
    awaited.hold(program);
    expect(awaited.size).toBe(0);
  });

  it('are let go after a minute', () => {
    const { awaited, clock, key } = waiting();
    awaited.hold(program);
    const second = later(program, 30_000);
    awaited.hold(second);
    clock.nowKtimeNs += 61_000_000_000n;
    expect(awaited.take(key)).toEqual([second]);
  });

  it('are bounded, for each container and for all', () => {
    const { awaited } = waiting({ maxPerContainer: 2, maxEvents: 3 });
    for (let n = 0; n < 5; n++) awaited.hold(program);
    expect(awaited.size).toBe(2);
    for (let n = 0; n < 5; n++) awaited.hold(inContainer(`c${n}`));
    expect(awaited.size).toBe(3);
  });
});

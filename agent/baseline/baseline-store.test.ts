import { describe, expect, it } from 'vitest';
import { baselineKeyOf } from '../../common/baseline-key.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { Baseline, type BaselineKey, BaselineState } from '../../proto/generated/tallyman/v1/baseline.ts';
import { containerOfExample } from '../detect/example-event.ts';
import { BaselineStore } from './baseline-store.ts';

const web = containerOfExample({ name: 'web' });
const other = containerOfExample({ name: 'other' });

function keyOf(container: typeof web): BaselineKey {
  const answer = baselineKeyOf(container);
  if (!('key' in answer)) throw new Error(answer.none);
  return answer.key;
}

function baseline(container: typeof web, change: Parameters<typeof Baseline.fromPartial>[0] = {}): Baseline {
  return Baseline.fromPartial({ key: keyOf(container), state: BaselineState.READY, version: '1', ...change });
}

function store(change: { maxBaselines?: number; maxLines?: number } = {}) {
  const metrics = new Metrics('agent');
  const changed: string[] = [];
  const made = new BaselineStore({ logger: silentLogger, metrics, onChanged: (key) => changed.push(key), ...change });
  const counted = async (result: string): Promise<number> => {
    const text = await metrics.registry.metrics();
    const line = text.split('\n').find((each) => each.includes(`baseline_updates_total{result="${result}"}`));
    return Number(line?.split(' ').at(-1) ?? 0);
  };
  return { made, changed, counted, metrics };
}

describe('the store of baselines', () => {
  it('has none until one is told, for the containers of its key, and then the last', () => {
    const { made, changed } = store();
    expect([made.of(web), made.hasReady]).toEqual([undefined, false]);
    made.update({ baselines: [baseline(web)], removed: [] });
    expect(made.of(web)?.version).toBe('1');
    expect(made.of({ ...web, id: 'another' })?.version).toBe('1');
    expect([made.of(other), made.hasReady]).toEqual([undefined, true]);
    made.update({ baselines: [baseline(web, { version: '2', state: BaselineState.STALE })], removed: [] });
    expect([made.of(web)?.version, made.of(web)?.isReady, made.hasReady]).toEqual(['2', false, false]);
    expect(changed).toEqual([made.keyOf(web), made.keyOf(web)]);
    made.update({ baselines: [], removed: [keyOf(web), keyOf(other)] });
    expect(made.of(web)).toBeUndefined();
  });

  it('has none for a container whose image is not known', () => {
    const { made } = store();
    expect(made.keyOf(containerOfExample({ image: { configDigest: '' } }))).toBeUndefined();
  });

  it('keeps a good one when a bad one comes, and the others of the same message', async () => {
    const { made, counted } = store();
    made.update({ baselines: [baseline(web)], removed: [] });
    const bad = baseline(web, { version: '2', listens: [{ transport: 'x' }] });
    made.update({ baselines: [bad, { ...baseline(web), key: undefined }, baseline(other)], removed: [] });
    expect([made.of(web)?.version, made.of(other)?.version]).toEqual(['1', '1']);
    expect([await counted('refused'), await counted('applied')]).toEqual([2, 2]);
  });

  it('drops what was asked for the longest ago when there is no room', async () => {
    const { made, counted } = store({ maxBaselines: 1 });
    made.update({ baselines: [baseline(web)], removed: [] });
    expect(made.of(web)).toBeDefined();
    made.update({ baselines: [baseline(other)], removed: [] });
    expect([made.of(web), made.of(other)?.version]).toEqual([undefined, '1']);
    expect(await counted('evicted')).toBe(1);
  });

  it('bounds what all together hold', () => {
    const { made } = store({ maxLines: 10 });
    const openPaths = ['/a', '/b', '/c', '/d', '/e', '/f'];
    made.update({ baselines: [baseline(web, { openPaths }), baseline(other, { openPaths })], removed: [] });
    expect([made.of(web), made.of(other)?.version]).toEqual([undefined, '1']);
  });

  it('counts those it has by state', async () => {
    const { made, metrics } = store();
    made.update({ baselines: [baseline(web), baseline(other, { state: BaselineState.LEARNING })], removed: [] });
    const text = await metrics.registry.metrics();
    expect(text).toMatch(/baselines\{state="ready"\} 1/);
    expect(text).toMatch(/baselines\{state="learning"\} 1/);
  });
});

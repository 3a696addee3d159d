import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BaselineState as State } from '../../proto/generated/tallyman/v1/baseline.ts';
import { newHead } from './head.ts';
import { durationText, isLearningDone, stateOf } from './state.ts';

const key = { repository: 'r', imageDigest: 'd', workload: 'w' };
const ms = fc.integer({ min: 0, max: 5_000 });
const heads = fc
  .record({
    ...{ learned: fc.boolean(), frozen: fc.boolean(), observedMs: ms, newestAtObservedMs: ms },
    containers: fc.nat(3),
    gapAt: fc.option(ms),
    overflow: fc.nat(2),
    lastRanUnixMs: fc.integer({ min: -10_000, max: 100_000 }),
    replacedBy: fc.option(fc.constant('sha256:new'), { nil: undefined }),
  })
  .map(({ gapAt, overflow, ...change }) => ({
    ...newHead(key, 0),
    ...change,
    gap: gapAt === null ? undefined : { text: '1 exec record was lost', atUnixMs: 0, atObservedMs: gapAt },
    overflow: overflow === 0 ? {} : { executable: overflow },
  }));
const options = { minObservedMs: 1_000, minContainers: 2, staleAfterMs: 10_000 };

it('always has one state, and a reason exactly when it is not ready', () => {
  fc.assert(
    fc.property(heads, ms, (head, nowUnixMs) => {
      const { state, reason } = stateOf(head, options, nowUnixMs);
      expect(reason === '').toBe(state === State.READY);
      expect([State.LEARNING, State.READY, State.STALE, State.INCOMPLETE]).toContain(state);
      if (head.frozen) expect(state).toBe(State.READY);
    }),
  );
});

it('is never ready by itself before everything that is asked for has been seen', () => {
  fc.assert(
    fc.property(heads, (head) => {
      if (!isLearningDone(head, options)) return;
      expect(head.observedMs).toBeGreaterThanOrEqual(options.minObservedMs);
      expect(head.containers).toBeGreaterThanOrEqual(options.minContainers);
      expect(head.observedMs - head.newestAtObservedMs).toBeGreaterThanOrEqual(options.minObservedMs / 4);
      expect(head.overflow).toEqual({});
      if (head.gap !== undefined)
        expect(head.observedMs - head.gap.atObservedMs).toBeGreaterThanOrEqual(options.minObservedMs);
    }),
  );
});

it('becomes ready in the end, whatever the gaps were, unless there was too much', () => {
  fc.assert(
    fc.property(heads, (head) => {
      const later = { ...head, containers: 2, overflow: {}, observedMs: 20_000 };
      expect(isLearningDone(later, options)).toBe(true);
    }),
  );
});

it('does not depend on the wall clock while it is learned', () => {
  fc.assert(
    fc.property(heads, fc.integer(), fc.integer(), (head, one, other) => {
      const learning = { ...head, learned: false };
      expect(stateOf(learning, options, one)).toEqual(stateOf(learning, options, other));
    }),
  );
});

it.each([
  [900, '0.9 s'],
  [45_000, '45 s'],
  [90_000, '1.5 min'],
  [3_600_000, '60 min'],
  [12_600_000, '3.5 h'],
  [30 * 86_400_000, '30 d'],
  [-5, '0 s'],
])('%d ms are %s', (duration, text) => expect(durationText(duration)).toBe(text));

import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { MemoryRuntime } from '../../test/support/memory-runtime.ts';
import { assumedContainer } from './assumed-container.ts';
import { ContainerResolver } from './container-resolver.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('ContainerResolver', () => {
  it('asks ever more rarely for what every runtime denies, and meanwhile counts it as absent', async () => {
    const runtime = new MemoryRuntime();
    const absent: string[] = [];
    let nowMs = 0;
    const resolver = new ContainerResolver({
      ...{ runtimes: [runtime], logger: silentLogger, nowMs: () => nowMs },
      onFound: () => undefined,
      onAbsent: (id) => absent.push(id),
    });
    for (let second = 0; second < 60; second++) {
      nowMs = second * 1000;
      resolver.request('a');
      resolver.request('a');
      await turn();
      expect(resolver.isAbsent('a')).toBe(true);
    }
    // At 0, 1, 2, 3, 5, 9, 16, 29 and 55 s: after 0.2 s, and twice as long each time.
    expect(runtime.asked).toHaveLength(9);
    runtime.away = true;
    nowMs = 120_000;
    resolver.request('a');
    await turn();
    expect(resolver.isAbsent('a')).toBe(true);
  });

  it('does not take a runtime that is away for one that denies, even if another one does', async () => {
    const [away, here] = [new MemoryRuntime(), new MemoryRuntime()];
    away.away = true;
    const found: string[] = [];
    let nowMs = 0;
    const resolver = new ContainerResolver({
      ...{ runtimes: [away, here], logger: silentLogger, nowMs: () => nowMs },
      onFound: (container) => found.push(container.id),
      onAbsent: () => undefined,
    });
    resolver.request('a');
    await turn();
    expect(resolver.isAbsent('a')).toBe(false);
    here.containers.set('a', assumedContainer('a', 0n, undefined));
    resolver.request('a');
    await turn();
    expect(found).toEqual([]);
    nowMs = 1000;
    resolver.request('a');
    await turn();
    expect(found).toEqual(['a']);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import type { AttributedEvent } from '../detect/attributed-event.ts';
import { capabilityEvent, execEvent, later, testContainer } from '../detect/test-events.ts';
import { PrivilegeUse } from './privilege-use.ts';

const init: AttributedEvent = execEvent({
  process: { entry: 'container-init', capabilities: { permitted: ['CAP_CHOWN', 'CAP_NET_RAW', 'CAP_KILL'] } },
});

function used(capabilityName: string, change: object = {}): AttributedEvent {
  return capabilityEvent({
    event: { capabilityName, granted: true, initialUserNamespace: true, ...change },
    process: { entry: 'container-init' },
  });
}

describe('PrivilegeUse', () => {
  let unused: [string, string[]][];
  let now: bigint;
  let use: PrivilegeUse;

  beforeEach(() => {
    unused = [];
    now = init.event.ktimeNs;
    use = new PrivilegeUse({
      reviewAfterMs: 1_000,
      nowKtimeNs: () => now,
      onUnused: (id, names) => unused.push([id, names]),
    });
    use.onEvent(init);
  });

  function reviewAfter(ms: number): string[][] {
    now = init.event.ktimeNs + BigInt(ms) * 1_000_000n;
    use.review();
    return unused.map(([, names]) => names);
  }

  it('tells once what was granted and not used, when the time is over', () => {
    use.onEvent(used('CAP_CHOWN'));
    expect(reviewAfter(999)).toEqual([]);
    expect(reviewAfter(1_000)).toEqual([['CAP_KILL', 'CAP_NET_RAW']]);
    expect(reviewAfter(9_000)).toHaveLength(1);
    expect(unused[0]?.[0]).toBe(testContainer().id);
  });

  it.each([
    ['refused', { granted: false }],
    ['asked of a namespace of its own', { initialUserNamespace: false }],
  ])('does not count as used what was %s', (_, change) => {
    use.onEvent(used('CAP_CHOWN', change));
    expect(reviewAfter(1_000)[0]).toContain('CAP_CHOWN');
  });

  it('does not count what a program used that was put in from outside', () => {
    use.onEvent(
      capabilityEvent({
        event: { capabilityName: 'CAP_CHOWN', granted: true, initialUserNamespace: true },
        process: { entry: 'exec-session' },
      }),
    );
    expect(reviewAfter(1_000)[0]).toContain('CAP_CHOWN');
  });

  it('says nothing where all is used, where something was lost, and of a container that has ended', () => {
    for (const name of ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_RAW']) use.onEvent(used(name));
    expect(reviewAfter(1_000)).toEqual([]);
    use.onEvent(init);
    use.onLoss('another');
    use.onLoss(testContainer().id);
    expect(reviewAfter(1_000)).toEqual([]);
    use.onEvent(init);
    use.onLoss(undefined);
    expect(reviewAfter(1_000)).toEqual([]);
    use.onEvent(init);
    use.forget(testContainer().id);
    expect(reviewAfter(1_000)).toEqual([]);
  });

  it('begins anew when the container is started again', () => {
    use.onEvent(later(init, 900));
    expect(reviewAfter(1_000)).toEqual([]);
    expect(reviewAfter(1_900)).toHaveLength(1);
  });
});

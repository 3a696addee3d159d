import type { HookState, HookWay } from '../../agent/sensor/hooks.ts';
import { errorText } from '../../common/errors.ts';
import type { Check } from './check.ts';

/** Loads and attaches the real programs for a moment: the only answer that counts. */
export async function checkSensor(bpfObject: string): Promise<Check[]> {
  const { probeSensor } = await import('../../agent/sensor/probe.ts');
  try {
    const hooks = await probeSensor({ bpfObject });
    return [ringBuffer, ...hooks.map(hookCheck)];
  } catch (thrown) {
    return [
      {
        name: 'BPF programs',
        state: 'blocked',
        looked: 'loading and attaching them',
        found: errorText(thrown),
        follows: 'nothing of what containers do is seen',
        todo: 'see the checks above; inside a container the host must grant the rights, a seccomp profile may forbid bpf(2)',
      },
    ];
  }
}

/** The probe does not come back without it: the sensor maps the ring buffer before it attaches anything. */
const ringBuffer: Check = {
  name: 'ring buffer',
  state: 'good',
  looked: 'mapping it and waiting for it',
  found: 'mapped, read in place; losses are counted by type and reason',
};

/** Which way a hook runs, why not a better one, and what follows. */
export function hookCheck({ name, attachPoint, ways, consequence }: HookState): Check {
  const check = { name: `hook ${name}`, looked: 'loading and attaching the program', ways };
  const used = ways.find(({ state }) => state === 'used');
  if (attachPoint !== undefined) {
    const trade = used?.trade === undefined ? {} : { follows: used.trade };
    return { ...check, state: 'good', found: attachPoint, ...trade };
  }
  const todo = hookRemedy(ways);
  return {
    ...check,
    state: 'weaker',
    found: 'not attached',
    follows: consequence,
    ...(todo !== undefined && { todo }),
  };
}

function hookRemedy(ways: readonly HookWay[]): string | undefined {
  const refused = ways.filter(({ state }) => state === 'refused');
  if (refused.some(({ reason }) => /Operation not permitted/.test(reason)))
    return 'give the agent the missing rights: root, or CAP_BPF, CAP_PERFMON and, for cgroup hooks, CAP_NET_ADMIN';
  if (refused.length > 0) return 'tell the maintainers this kernel and the reason above: it should load';
  return ways.some(({ reason }) => /cgroup v2/.test(reason))
    ? 'mount -t cgroup2 none /sys/fs/cgroup/unified'
    : 'nothing on this kernel; everything else works';
}

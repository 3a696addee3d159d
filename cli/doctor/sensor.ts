import { errorText } from '../../common/errors.ts';
import type { Check } from './check.ts';

/** Loads and attaches the real programs for a moment: the only answer that counts. */
export async function checkSensor(bpfObject: string): Promise<Check[]> {
  const { probeSensor } = await import('../../agent/sensor/probe.ts');
  try {
    const { hooks } = await probeSensor({ bpfObject });
    return hooks.map(hookCheck);
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

interface ProbedHook {
  name: string;
  attached: string | undefined;
  reason: string | undefined;
  consequence: string;
}

function hookCheck({ name, attached, reason, consequence }: ProbedHook): Check {
  const check = { name: `hook ${name}`, looked: 'loading and attaching the program' };
  if (attached !== undefined) return { ...check, state: 'good', found: attached };
  return { ...check, state: 'weaker', found: reason ?? 'not attached', follows: consequence };
}

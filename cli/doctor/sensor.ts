import { errorText } from '../../common/errors.ts';
import type { Check } from './check.ts';

/** Loads and attaches the real programs for a moment: the only answer that counts. */
export async function checkSensor(bpfObject: string): Promise<Check[]> {
  const { probeSensor } = await import('../../agent/sensor/probe.ts');
  try {
    const { hooks } = await probeSensor({ bpfObject });
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

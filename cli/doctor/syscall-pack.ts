import { errorText } from '../../common/errors.ts';
import type { Check } from './check.ts';

const check = { name: 'syscall pack', looked: 'timing a system call with it and without, in turns' };

/** The pack is off unless it is asked for; what it would cost here is only known by measuring. */
export const syscallPackNotMeasured: Check = {
  ...check,
  state: 'good',
  looked: 'nothing: it is off unless --syscall-pack is given',
  found: 'off; what it costs on this machine: tallyman doctor --measure-syscall-pack',
};

export async function measureSyscallPackCost(bpfObject: string): Promise<Check> {
  const { measureSyscallPack } = await import('../../agent/sensor/measure-syscall-pack.ts');
  try {
    const cost = measureSyscallPack({ bpfObject });
    const { attachPoint, reasons, extraNsPerSyscall, spreadNs, rounds } = cost;
    if (attachPoint === undefined)
      return { ...check, state: 'weaker', found: reasons.join('; '), follows: 'it cannot be used on this kernel' };
    const [least, most] = spreadNs.map((ns) => ns.toFixed(0));
    const text = `${extraNsPerSyscall.toFixed(0)} ns more for every system call (${least} to ${most} in ${rounds} rounds)`;
    const isShared = attachPoint.startsWith('tp_btf/');
    return {
      ...check,
      state: 'good',
      found: `off; attached to ${attachPoint}: ${text}`,
      ...(isShared ? { follows: 'switched on, every process of this node pays it, watched or not' } : {}),
    };
  } catch (thrown) {
    return { ...check, state: 'unknown', found: errorText(thrown) };
  }
}

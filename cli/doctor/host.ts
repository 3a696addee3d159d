import { readFileSync } from 'node:fs';
import { arch, release, type } from 'node:os';
import type { Check } from './check.ts';

const firstKernel = [5, 8] as const;

export function checkSystem(): Check {
  const found = `${type()} ${release()} ${arch()}`;
  const check = { name: 'system', looked: 'uname', found };
  if (process.platform !== 'linux') {
    return {
      ...check,
      state: 'blocked',
      follows: 'containers are watched through eBPF, which only a Linux kernel has',
      todo: 'run the agent on Linux or in a Linux VM; collector, alerts, alert, image and containers work here',
    };
  }
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (major < firstKernel[0] || (major === firstKernel[0] && minor < firstKernel[1])) {
    return {
      ...check,
      state: 'blocked',
      follows: 'the programs need the BPF ring buffer and BTF tracepoints of Linux 5.8',
      todo: 'use a newer kernel',
    };
  }
  return { ...check, state: 'good' };
}

/** What the agent needs each capability for. */
const capabilities = [
  { name: 'CAP_BPF', bit: 39, essential: true, inSysAdmin: true, what: 'loading BPF programs' },
  { name: 'CAP_PERFMON', bit: 38, essential: true, inSysAdmin: true, what: 'attaching programs to tracepoints' },
  { name: 'CAP_SYS_PTRACE', bit: 19, essential: true, inSysAdmin: false, what: 'telling containers from the host' },
  { name: 'CAP_SYS_ADMIN', bit: 21, essential: false, inSysAdmin: false, what: 'watching files of containers' },
  { name: 'CAP_NET_ADMIN', bit: 12, essential: false, inSysAdmin: false, what: 'seeing connection attempts' },
  { name: 'CAP_DAC_READ_SEARCH', bit: 2, essential: false, inSysAdmin: false, what: 'reading /proc of other users' },
] as const;
const sysAdminBit = 21;

export function checkRights(status: string = readFileSync('/proc/self/status', 'utf8')): Check {
  const check = { name: 'rights', looked: 'CapEff in /proc/self/status' };
  const text = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (text === undefined) return { ...check, state: 'unknown', found: 'no CapEff line' };
  const effective = BigInt(`0x${text}`);
  const holds = (bit: number): boolean => ((effective >> BigInt(bit)) & 1n) === 1n;
  const missing = capabilities.filter(({ bit, inSysAdmin }) => !holds(bit) && !(inSysAdmin && holds(sysAdminBit)));
  if (missing.length === 0) return { ...check, state: 'good', found: 'all capabilities that the agent needs' };
  const blocked = missing.some(({ essential }) => essential);
  return {
    ...check,
    state: blocked ? 'blocked' : 'weaker',
    found: `missing ${missing.map(({ name }) => name).join(', ')}`,
    follows: `not possible: ${missing.map(({ what }) => what).join('; ')}`,
    todo: 'run as root (sudo tallyman …); in a container add them: docker run --cap-add, securityContext.capabilities.add',
  };
}

export function checkLockdown(): Check {
  const path = '/sys/kernel/security/lockdown';
  const check = { name: 'lockdown', looked: path };
  const mode = /\[(\w+)\]/.exec(readOptional(path) ?? '[none]')?.[1] ?? 'none';
  if (mode === 'none') return { ...check, state: 'good', found: 'none' };
  if (mode === 'integrity') return { ...check, state: 'good', found: 'integrity: reading through BPF is allowed' };
  return {
    ...check,
    state: 'blocked',
    found: mode,
    follows: 'the kernel refuses BPF programs that read kernel memory',
    todo: 'boot without lockdown=confidentiality (Secure Boot policies may set it)',
  };
}

export function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

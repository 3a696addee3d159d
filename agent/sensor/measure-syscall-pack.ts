import koffi from 'koffi';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { findCgroupRoot } from './cgroup-root.ts';
import { type HookState, passedOver } from './hooks.ts';
import { Sensor } from './sensor.ts';

/** What the syscall pack costs on this machine, as measured. */
export interface SyscallPackCost {
  /** Where it is attached; undefined where it cannot be. */
  attachPoint: string | undefined;
  /** Why better ways are not used. */
  reasons: readonly string[];
  /** What one getppid(2) takes longer, in nanoseconds: the median of all rounds. Noise may make it negative. */
  extraNsPerSyscall: number;
  /** Smallest and largest of the rounds. */
  spreadNs: readonly [number, number];
  rounds: number;
}

const rounds = 7;
const callsPerTurn = 300_000;

/**
 * Times the cheapest system call of all with the pack attached and without, in turns. What the call itself costs cancels
 * out, so that the result is what every system call on this node pays while the pack is on.
 * @throws {CodedError} SENSOR_UNAVAILABLE, LIBBPF_MISSING, BPF_OBJECT_MISSING, LAYOUT_MISMATCH
 */
export function measureSyscallPack(options: { bpfObject: string; procRoot?: string }): SyscallPackCost {
  const getppid = koffi.load('libc.so.6').func('int getppid(void)') as () => number;
  nsPerCall(getppid);
  const extra: number[] = [];
  let state: HookState | undefined;
  for (let round = 0; round < rounds; round++) {
    const off = nsPerCall(getppid);
    // What was found to work is asked for: trying the rest again takes time.
    const known = state?.attachPoint;
    const sensor = openSensor(options, known);
    try {
      sensor.start();
      state ??= sensor.hooks.find((hook) => hook.name === 'syscall-pack');
      extra.push(nsPerCall(getppid) - off);
    } finally {
      sensor.close();
    }
  }
  extra.sort((a, b) => a - b);
  return {
    attachPoint: state?.attachPoint,
    reasons: state === undefined ? [] : passedOver(state),
    extraNsPerSyscall: extra[Math.floor(rounds / 2)] ?? Number.NaN,
    spreadNs: [extra[0] ?? Number.NaN, extra.at(-1) ?? Number.NaN],
    rounds,
  };
}

function openSensor(options: { bpfObject: string; procRoot?: string }, attachPoint: string | undefined): Sensor {
  return new Sensor({
    objectPath: options.bpfObject,
    procRoot: options.procRoot ?? '/proc',
    cgroupRoot: findCgroupRoot(),
    ringBytes: 64 * 1024,
    syscallPack: true,
    ...(attachPoint === undefined ? {} : { hookVariants: { 'syscall-pack': attachPoint } }),
    onEvent: () => undefined,
    logger: silentLogger,
    metrics: new Metrics('agent'),
  });
}

/** By processor time: what else the machine does does not count. */
function nsPerCall(call: () => number): number {
  const start = process.cpuUsage();
  for (let i = 0; i < callsPerTurn; i++) call();
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1000) / callsPerTurn;
}

import { checkBpfObject, checkBtf, checkLibbpf } from './bpf.ts';
import { checkCgroups } from './cgroups.ts';
import type { Check, Verdict } from './check.ts';
import { verdictOf } from './check.ts';
import { checkFiles } from './files.ts';
import { checkLockdown, checkRights, checkSystem } from './host.ts';
import { checkLosses } from './losses.ts';
import { checkNatsServer } from './nats.ts';
import { checkRuntimes } from './runtimes.ts';
import { checkSensor } from './sensor.ts';
import { measureSyscallPackCost, syscallPackNotMeasured } from './syscall-pack.ts';

export interface ExamineOptions {
  bpfObject: string;
  dockerSocket?: string;
  /** Where CRI runtimes are expected; the usual places when not given. */
  criSocket?: readonly string[];
  /** Time system calls with the syscall pack and without; takes some seconds. */
  measureSyscallPack?: boolean;
}

/** Looks at everything, cheap and certain things first; the programs are loaded only when nothing rules it out. */
export async function examine(options: ExamineOptions): Promise<Verdict> {
  const system = checkSystem();
  if (process.platform !== 'linux') return verdictOf([system, await checkNatsServer()]);
  const kernel: Check[] = [
    system,
    checkRights(),
    checkLockdown(),
    checkBtf(),
    await checkLibbpf(),
    checkBpfObject(options.bpfObject),
    checkCgroups(),
  ];
  const blocked = kernel.some(({ state }) => state === 'blocked');
  const sensor = blocked ? [] : await checkSensor(options.bpfObject);
  const measure = options.measureSyscallPack === true;
  const pack = measure && !blocked ? await measureSyscallPackCost(options.bpfObject) : syscallPackNotMeasured;
  const files = blocked ? [] : [await checkFiles()];
  const losses = await checkLosses();
  return verdictOf([
    ...kernel,
    ...sensor,
    pack,
    ...files,
    ...losses,
    ...(await checkRuntimes(options)),
    await checkNatsServer(),
  ]);
}

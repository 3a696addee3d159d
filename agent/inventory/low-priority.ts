import { readdirSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import koffi from 'koffi';

const lowestPriority = 19;
const idleIo = 3 << 13;
const ioprioProcess = 1;
const ioprioSetNumber = process.arch === 'arm64' ? 30 : 251;
const parentDeathSignal = 1;
const sigkill = 9;

/**
 * Gives this process the lowest CPU priority, and disk access only when nobody else wants it; makes it the first to go when memory is
 * short. Best effort: all of it only lowers what the process may do, which needs no privilege.
 * @see https://man7.org/linux/man-pages/man2/ioprio_set.2.html
 */
export function lowerPriority(): void {
  const ioprioSet = koffi.load('libc.so.6').func('long syscall(long number, int which, int who, int priority)');
  // Linux keeps both for each thread.
  for (const thread of readdirSync('/proc/self/task').map(Number)) {
    setPriority(thread, lowestPriority);
    ioprioSet(ioprioSetNumber, ioprioProcess, thread, idleIo);
  }
  writeFileSync('/proc/self/oom_score_adj', '1000');
}

/** Ends this process when the one that started it ends. @see https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html */
export function endWithParent(): void {
  koffi.load('libc.so.6').func('int prctl(int option, unsigned long value)')(parentDeathSignal, sigkill);
}

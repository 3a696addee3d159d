import { baseName } from '../../common/program-name.ts';
import type { ProcessExecution } from '../process/process.ts';
import { ancestorsOf } from './ancestors.ts';
import { resolveProgram } from './program.ts';
import type { FileWrite, SentenceFacts } from './sentence-facts.ts';
import type { SessionKind } from './session-kind.ts';

const maxProgramsInLineage = 8;
const rootUid = 0;

/** "www-data"; "user 1000" where the container has no name for it. */
export function userOf(execution: ProcessExecution, facts: SentenceFacts): string {
  const { euid } = execution.credentials;
  const name = execution.containerId === undefined ? undefined : facts.userName(execution.containerId, euid);
  return name ?? (euid === rootUid ? 'root' : `user ${euid}`);
}

/** "nginx (www-data)", "python3 main.py (root)". */
export function whoOf(execution: ProcessExecution, facts: SentenceFacts): string {
  const { name, script } = resolveProgram(execution);
  const program = name === '' ? 'an unknown program' : name;
  const what = script === '' ? program : `${program} ${baseName(script)}`;
  return `${what} (${userOf(execution, facts)})`;
}

/** Who started it, so that it can stand behind "by". */
export function startedByOf(execution: ProcessExecution, facts: SentenceFacts, session: SessionKind): string {
  const [parent] = ancestorsOf(execution);
  if (parent !== undefined) return whoOf(parent, facts);
  if (execution.entry === 'container-init') return 'the container runtime';
  if (session === 'health-check') return 'the container’s health check';
  if (session === 'operator') return 'somebody at a terminal outside the container';
  if (session === 'unknown') return 'a session from outside the container';
  return 'an unknown process';
}

/** "tini → node → sh"; of long ones the first and the nearest programs. */
export function lineageOf(execution: ProcessExecution): string {
  const programs = [execution, ...ancestorsOf(execution)].map((member) => resolveProgram(member).name || '?').reverse();
  if (programs.length > maxProgramsInLineage) programs.splice(1, programs.length - maxProgramsInLineage + 1, '…');
  return programs.join(' → ');
}

/** Where the executable comes from, so that it can stand behind its name. */
export function originOf(execution: ProcessExecution, facts: SentenceFacts): string {
  const { layer, unlinked } = execution.executable;
  switch (layer) {
    case 'memfd':
      return 'exists in memory only';
    case 'image':
      return unlinked ? 'is part of the image and was deleted' : 'is part of the image';
    case 'mount':
      return `was mounted into the container${unlinked ? ', deleted' : ''}`;
    case 'writable':
    case 'tmpfs':
      return `was written at run time${unlinked ? ', deleted' : ''}${byWhomAndWhen(execution, facts)}`;
    default:
      return 'is of unknown origin';
  }
}

/** Who wrote the executable last; empty where nobody watched. */
export function writerOf(execution: ProcessExecution, facts: SentenceFacts): string {
  const write = writeOf(execution, facts);
  return write === undefined ? '' : writerText(write, facts);
}

/** How long before its execution the file was last changed; empty when that is not known. */
export function ageOf(execution: ProcessExecution, facts: SentenceFacts): string {
  const write = writeOf(execution, facts);
  if (write !== undefined) return durationText(execution.execKtimeNs - write.ktimeNs);
  const executedNs = facts.unixNs(execution.execKtimeNs);
  const { ctimeNs } = execution.executable;
  // A clock that was set in between tells nothing.
  if (executedNs === undefined || ctimeNs === 0n || executedNs < ctimeNs) return '';
  return durationText(executedNs - ctimeNs);
}

function byWhomAndWhen(execution: ProcessExecution, facts: SentenceFacts): string {
  const writer = writerOf(execution, facts);
  const age = ageOf(execution, facts);
  return `${writer === '' ? '' : ` by ${writer}`}${age === '' ? '' : ` ${age} before`}`;
}

function writeOf(execution: ProcessExecution, facts: SentenceFacts): FileWrite | undefined {
  const { executable, containerId } = execution;
  return containerId === undefined ? undefined : facts.lastWrite(containerId, executable.path);
}

function writerText({ by, execution }: FileWrite, facts: SentenceFacts): string {
  if (execution !== undefined) return whoOf(execution, facts);
  return by === 'host' ? 'a process outside the container' : 'a process that is not known';
}

const unitsNs = [
  { unit: 'd', ns: 86_400_000_000_000n },
  { unit: 'h', ns: 3_600_000_000_000n },
  { unit: 'min', ns: 60_000_000_000n },
  { unit: 's', ns: 1_000_000_000n },
] as const;

/** "3 s", "12 min": whole units of the largest that fits. What is told some milliseconds late may seem to lie ahead. */
export function durationText(durationNs: bigint): string {
  for (const { unit, ns } of unitsNs) if (durationNs >= ns) return `${durationNs / ns} ${unit}`;
  return 'less than a second';
}

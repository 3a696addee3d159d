import { baseName } from '../../common/program-name.ts';
import type { ProcessExecution } from '../process/process.ts';
import { ancestorsOf } from './ancestors.ts';

/**
 * Who put it into the container: its health check, somebody at a terminal, or nobody knows; empty for what the container
 * did itself. Kubernetes tells the runtime nothing of its probes: they are `unknown`.
 */
export type SessionKind = 'health-check' | 'operator' | 'unknown' | '';

/** `healthCheck` is the command that the runtime runs to see if the container is well; empty when there is none. */
export function sessionKindOf(execution: ProcessExecution, healthCheck: readonly string[]): SessionKind {
  const root = [execution, ...ancestorsOf(execution)].findLast((member) => member.entry === 'exec-session');
  if (root === undefined) return '';
  if (isCommand(root, healthCheck)) return 'health-check';
  return root.hasTty ? 'operator' : 'unknown';
}

/** Exactly this command: one argument more, or a terminal, and it is something else. */
function isCommand(
  { argv, argvTruncated, hasTty, interpreter, filename }: ProcessExecution,
  command: readonly string[],
) {
  const [program] = command;
  if (program === undefined || hasTty || argvTruncated) return false;
  if (interpreter === '') return argv.length === command.length && argv.every((word, index) => word === command[index]);
  // The kernel has put the interpreter before a script and the file's path in place of its name.
  const rest = command.slice(1);
  const own = argv.slice(argv.length - rest.length);
  return (
    baseName(filename) === baseName(program) &&
    argv.length > rest.length &&
    argv[argv.length - rest.length - 1] === filename &&
    own.every((word, index) => word === rest[index])
  );
}

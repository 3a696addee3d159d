import { argumentShape } from '../../common/argument-shape.ts';
import { programName } from '../../common/program-name.ts';
import type { ProcessExecution } from '../process/process.ts';
import { resolveProgram } from './program.ts';

export type ShapedExecution = Pick<ProcessExecution, 'executable' | 'filename' | 'argv' | 'argvTruncated'>;

export interface CommandShape {
  /** The program's name; of a multi-call binary the applet's. */
  program: string;
  shape: string;
}

interface Known {
  of: ShapedExecution;
  command: CommandShape;
}

/** The same arguments again are the same list: the decoder shares what records repeat. */
const known = new WeakMap<readonly string[], Known>();

/** What an execution's arguments look like without what varies from one call to the next. */
export function commandShapeOf(execution: ShapedExecution): CommandShape {
  const found = known.get(execution.argv);
  if (found !== undefined && isSameCommand(found.of, execution)) return found.command;
  const { executable, filename, argv, argvTruncated } = execution;
  const { name, argumentsFrom } = programName(executable.path, argv);
  const { script } = resolveProgram(execution);
  const shape = argumentShape({ program: name, argv, argumentsFrom, truncated: argvTruncated, script });
  const command = { program: name, shape };
  known.set(argv, { of: { executable, filename, argv, argvTruncated }, command });
  return command;
}

function isSameCommand(one: ShapedExecution, other: ShapedExecution): boolean {
  return (
    one.executable.path === other.executable.path &&
    one.filename === other.filename &&
    one.argvTruncated === other.argvTruncated
  );
}

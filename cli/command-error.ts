import { CodedError } from '../common/errors.ts';
import { exitCodes } from './exit-codes.ts';

export type CommandErrorCode = 'failed' | 'usage' | 'not-found' | 'unreachable';

/** An error that ends a command; its code decides the exit code. */
export class CommandError extends CodedError<CommandErrorCode> {
  override readonly name = 'CommandError';
}

export function exitCodeOf(thrown: unknown): number {
  if (!(thrown instanceof CommandError)) return exitCodes.failure;
  const codes: Record<CommandErrorCode, number> = {
    failed: exitCodes.failure,
    usage: exitCodes.usage,
    'not-found': exitCodes.notFound,
    unreachable: exitCodes.unreachable,
  };
  return codes[thrown.code];
}

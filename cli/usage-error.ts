import type { Command } from 'commander';

/** Makes a program and its subcommands throw a CommanderError instead of ending the process. */
export function exitOnUsageError(program: Command): Command {
  program.exitOverride();
  for (const command of program.commands) exitOnUsageError(command);
  return program;
}

import { CommanderError } from 'commander';
import { errorText } from '../common/errors.ts';
import { exitCodeOf } from './command-error.ts';
import { exitCodes } from './exit-codes.ts';
import { createProgram } from './program.ts';
import { exitOnUsageError } from './usage-error.ts';

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? 0 : exitCodes.failure),
);

try {
  await exitOnUsageError(createProgram()).parseAsync();
} catch (thrown) {
  if (thrown instanceof CommanderError) process.exitCode = thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  else {
    process.stderr.write(`tallyman: ${errorText(thrown)}\n`);
    process.exitCode = exitCodeOf(thrown);
  }
}

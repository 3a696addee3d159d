import type { Logger } from '../common/logger.ts';
import { createLogger } from '../common/logger.ts';
import type { LogOptions } from './service-options.ts';

/** Where a service logs: to a file unless it is asked to be verbose, then to standard error. */
export interface ServiceLog {
  logger: Logger;
  /** For people: the file, or "standard error". */
  where: string;
}

export function openLog(options: LogOptions, defaultFile: string | undefined): ServiceLog {
  const level = options.verbose && options.logLevel === 'info' ? 'debug' : options.logLevel;
  const file = options.verbose ? undefined : (options.logFile ?? defaultFile);
  return { logger: createLogger({ level, file }), where: file ?? 'standard error' };
}

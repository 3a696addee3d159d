import pino from 'pino';

export type Logger = pino.Logger;

export interface LoggerOptions {
  /** "trace" … "fatal", or "silent". */
  level: string;
  /** Log file; standard error when undefined. */
  file?: string;
}

/** JSON lines to standard error or a file; never to standard output, which belongs to what the user asked for. */
export function createLogger(options: LoggerOptions): Logger {
  const destination =
    options.file === undefined
      ? pino.destination({ dest: 2, sync: true })
      : pino.destination({ dest: options.file, mkdir: true, sync: false });
  return pino(
    {
      level: options.level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: pino.stdSerializers.errWithCause },
    },
    destination,
  );
}

export const silentLogger: Logger = pino({ level: 'silent' });

import { getSystemErrorMap } from 'node:util';

/** A system call that failed. `code` is the name of the error number: "ENOENT". */
export class SystemError extends Error {
  readonly errno: number;
  readonly code: string;

  constructor(call: string, errno: number) {
    const [code = `errno ${errno}`, text = ''] = getSystemErrorMap().get(-errno) ?? [];
    super(`${call}: ${code}${text === '' ? '' : `: ${text}`}`);
    this.name = 'SystemError';
    this.errno = errno;
    this.code = code;
  }
}

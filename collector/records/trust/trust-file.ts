import { readFileSync, statSync } from 'node:fs';
import { CodedError, errorText } from '../../../common/errors.ts';

const maxTrustFileBytes = 4 * 1024 * 1024;

/** Reads a file that trust is built from; throws CodedError with `code`, naming `what` and the file. */
export function readTrustFile<Code extends string>(file: string, what: string, code: Code): Buffer {
  try {
    const { size } = statSync(file);
    if (size > maxTrustFileBytes) throw new Error(`it has ${size} bytes, at most ${maxTrustFileBytes} are read`);
    return readFileSync(file);
  } catch (error) {
    throw new CodedError(code, `${what} ${file} cannot be read: ${errorText(error)}`, {
      hint: 'paths in a policy are relative to the policy file',
    });
  }
}

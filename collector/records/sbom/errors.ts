import { CodedError } from '../../../common/errors.ts';

/** SBOM_UNSUPPORTED: a format that is known but not read; the others: a document that cannot be believed. */
export type SbomErrorCode = 'SBOM_MALFORMED' | 'SBOM_TOO_LARGE' | 'SBOM_UNSUPPORTED';

export class SbomError extends CodedError<SbomErrorCode> {
  override readonly name = 'SbomError';
}

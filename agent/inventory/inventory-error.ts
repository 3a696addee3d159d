import { CodedError } from '../../common/errors.ts';

export type InventoryErrorCode =
  | 'malformed'
  | 'too-large'
  | 'unsupported'
  | 'unreadable'
  | 'limit'
  | 'timeout'
  | 'busy';

/** Something in an image, or an inventory as a whole, that could not be read. Its codes are those of InventoryProblem, and "busy". */
export class InventoryError extends CodedError<InventoryErrorCode> {
  override readonly name = 'InventoryError';
}

export function isInventoryError(thrown: unknown): thrown is InventoryError {
  return thrown instanceof InventoryError;
}

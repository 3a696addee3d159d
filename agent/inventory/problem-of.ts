import { errorText } from '../../common/errors.ts';
import type { InventoryProblem } from '../../common/inventory.ts';
import { isInventoryError } from './inventory-error.ts';

/** The problem that an error is. `consequence`: what follows, in words. */
export function problemOf(reader: string, path: string, error: unknown, consequence: string): InventoryProblem {
  const code = isInventoryError(error) ? error.code : 'malformed';
  return { reader, path, code, reason: `${errorText(error)}: ${consequence}` };
}

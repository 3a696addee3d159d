import type { ProvenanceClaim } from '../papers.ts';
import { readSlsaV1 } from './slsa-v1.ts';
import { readSlsaV02 } from './slsa-v02.ts';

/** Throws when the predicate does not have the shape of its type; the message names the field. */
export function parseProvenance(predicateType: string, predicate: unknown): ProvenanceClaim {
  return predicateType.endsWith('/v1') ? readSlsaV1(predicate) : readSlsaV02(predicate);
}

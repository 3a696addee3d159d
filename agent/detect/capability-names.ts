import { capabilityName } from '../../common/capabilities.ts';

const maxCapabilities = 64;
const numbers = new Map(Array.from({ length: maxCapabilities }, (_, number) => [capabilityName(number), number]));

/** Those that have a name of their own. */
export const knownCapabilityNames: readonly string[] = [...numbers.keys()].filter((name) => !/^CAP_\d/.test(name));

/** The mask with these capabilities set; undefined when a name is not known. */
export function capabilityMask(names: readonly string[]): bigint | undefined {
  let mask = 0n;
  for (const name of names) {
    const number = numbers.get(name);
    if (number === undefined) return undefined;
    mask |= 1n << BigInt(number);
  }
  return mask;
}

/** Number of a capability by name; -1 when it is not known. */
export function capabilityNumber(name: string): number {
  return numbers.get(name) ?? -1;
}

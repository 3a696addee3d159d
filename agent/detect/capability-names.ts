import { capabilityName } from '../decode/capabilities.ts';

const maxCapabilities = 64;
const numbers = new Map(Array.from({ length: maxCapabilities }, (_, number) => [capabilityName(number), number]));

/** Those that have a name of their own. */
export const knownCapabilityNames: readonly string[] = [...numbers.keys()].filter((name) => !/^CAP_\d/.test(name));

/** The capabilities of a mask, in ascending order of number. */
export function capabilityNamesOf(mask: bigint): string[] {
  const names: string[] = [];
  for (let number = 0; number < maxCapabilities; number++) {
    if (((mask >> BigInt(number)) & 1n) === 1n) names.push(capabilityName(number));
  }
  return names;
}

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

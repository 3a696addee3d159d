/**
 * The DER reader of @sigstore/core looks into every OCTET STRING in case there is more DER in it, and does not hold what is
 * inside to the bounds of what is around: damaged or made-up bytes of some kilobytes keep it busy for ever. What comes from
 * outside is walked here first, in the same way, with an end.
 */
const maxObjects = 20_000;
const maxDepth = 100;
const octetString = 0x04;
const constructed = 0x20;

class OverBudget extends Error {}

/** Whether reading these bytes as DER (https://www.itu.int/rec/T-REC-X.690) ends soon; says nothing of what is in them. */
export function isCheapDer(bytes: Uint8Array): boolean {
  try {
    new Walk(bytes).object(0, 0);
    return true;
  } catch (error) {
    // Malformed is for the reader to refuse.
    return !(error instanceof OverBudget);
  }
}

class Walk {
  readonly #bytes: Uint8Array;
  #left = maxObjects;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Where the object that begins here ends. Throws when it is malformed. */
  object(at: number, depth: number): number {
    if (--this.#left < 0) throw new OverBudget();
    if (depth > maxDepth) throw new RangeError('too deep');
    const tag = this.#byte(at);
    const { length, start } = this.#length(at + 1);
    if (start + length > this.#bytes.length) throw new RangeError('cut off');
    if ((tag & constructed) !== 0) this.#children(start, length, depth);
    else if (tag === octetString) this.#maybeChildren(start, length, depth);
    return start + length;
  }

  #children(start: number, length: number, depth: number): void {
    let at = start;
    while (at < start + length) at = this.object(at, depth + 1);
    if (at !== start + length) throw new RangeError('longer than what is around it');
  }

  #maybeChildren(start: number, length: number, depth: number): void {
    try {
      this.#children(start, length, depth);
    } catch (error) {
      if (error instanceof OverBudget) throw error;
    }
  }

  #length(at: number): { length: number; start: number } {
    const first = this.#byte(at);
    if (first < 0x80) return { length: first, start: at + 1 };
    const count = first & 0x7f;
    if (count > 6) throw new RangeError('too long');
    let length = 0;
    for (let index = 1; index <= count; index++) length = length * 256 + this.#byte(at + index);
    return { length, start: at + 1 + count };
  }

  #byte(at: number): number {
    const byte = this.#bytes[at];
    if (byte === undefined) throw new RangeError('cut off');
    return byte;
  }
}

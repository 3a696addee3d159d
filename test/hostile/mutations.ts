import fc from 'fast-check';

/** Mutated inputs that each parser gets at least; TALLYMAN_MUTATIONS asks for more. */
export const mutationRuns = Number(process.env.TALLYMAN_MUTATIONS ?? 250);

// The same each time, so that a failure is of the change that it comes with; TALLYMAN_SEED=$RANDOM looks further.
fc.configureGlobal({
  ...fc.readConfigureGlobal(),
  seed: Number(process.env.TALLYMAN_SEED ?? 20_260_101),
  endOnFailure: true,
});

/** A change to bytes, as damage and attackers make it. */
type Mutation =
  | { kind: 'flip'; at: number; bit: number }
  | { kind: 'set'; at: number; byte: number }
  | { kind: 'cut'; at: number; length: number }
  | { kind: 'repeat'; at: number; length: number; times: number }
  | { kind: 'insert'; at: number; bytes: Uint8Array }
  | { kind: 'truncate'; at: number };

const part = fc.double({ min: 0, max: 0.999_999, noNaN: true });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: part, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('set' as const), at: part, byte: fc.constantFrom(0, 0xff, 0x22, 0x2f, 0x0a, 0x7b) }),
  fc.record({ kind: fc.constant('cut' as const), at: part, length: fc.nat(4096) }),
  fc.record({ kind: fc.constant('repeat' as const), at: part, length: fc.nat(256), times: fc.nat(64) }),
  fc.record({ kind: fc.constant('insert' as const), at: part, bytes: fc.uint8Array({ maxLength: 64 }) }),
  fc.record({ kind: fc.constant('truncate' as const), at: part }),
);

/** The original with one to four changes; never the original itself. */
export function mutatedBytes(original: Uint8Array): fc.Arbitrary<Buffer> {
  return fc
    .array(mutation, { minLength: 1, maxLength: 4 })
    .map((mutations) => mutations.reduce<Buffer>(apply, Buffer.from(original)))
    .filter((bytes) => !bytes.equals(original));
}

function apply(bytes: Buffer, mutation: Mutation): Buffer {
  const at = Math.floor(('at' in mutation ? mutation.at : 0) * bytes.length);
  const head = bytes.subarray(0, at);
  switch (mutation.kind) {
    case 'flip':
    case 'set': {
      const changed = Buffer.from(bytes);
      const byte = changed[at] ?? 0;
      if (at < changed.length) changed[at] = mutation.kind === 'set' ? mutation.byte : byte ^ (1 << mutation.bit);
      return changed;
    }
    case 'cut':
      return Buffer.concat([head, bytes.subarray(at + mutation.length)]);
    case 'repeat': {
      const piece = bytes.subarray(at, at + mutation.length);
      return Buffer.concat([head, ...Array.from({ length: mutation.times }, () => piece), bytes.subarray(at)]);
    }
    case 'insert':
      return Buffer.concat([head, mutation.bytes, bytes.subarray(at)]);
    case 'truncate':
      return head;
  }
}

/** Values that stand where others are expected. */
const strangers: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, -1, 2 ** 53, 1e308, '', '\u0000', '../../../etc/shadow', '__proto__', [], {}, [
    [],
  ]),
  fc.jsonValue({ maxDepth: 3 }),
  fc.constant('x').map((letter) => letter.repeat(100_000)),
  fc.constant(200).map(nested),
);

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

/** JSON text in which one to three values were replaced, removed or doubled, wherever they are. */
export function mutatedJson(original: unknown): fc.Arbitrary<Buffer> {
  const change = fc.tuple(fc.nat(), fc.constantFrom('replace', 'remove', 'double'), strangers);
  return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
    const copy: unknown = structuredClone(original);
    for (const [pick, how, stranger] of changes) {
      const places = placesOf(copy);
      const place = places[pick % Math.max(1, places.length)];
      if (place === undefined) continue;
      const { holder, key } = place;
      if (how === 'replace') holder[key] = stranger;
      else if (how === 'remove') Array.isArray(holder) ? holder.splice(Number(key), 1) : delete holder[key];
      else if (Array.isArray(holder)) holder.push(holder[Number(key)]);
      else holder[`${key}2`] = holder[key];
    }
    return Buffer.from(JSON.stringify(copy));
  });
}

interface Place {
  holder: Record<string, unknown> | (unknown[] & Record<string, unknown>);
  key: string;
}

/** Every value below the top, at most 5 000 of them. */
function placesOf(value: unknown): Place[] {
  const places: Place[] = [];
  const queue: unknown[] = [value];
  for (let at = 0; at < queue.length && places.length < 5_000; at++) {
    const holder = queue[at];
    if (typeof holder !== 'object' || holder === null) continue;
    for (const [key, inner] of Object.entries(holder)) {
      places.push({ holder: holder as Place['holder'], key });
      queue.push(inner);
    }
  }
  return places;
}

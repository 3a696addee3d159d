/** A line of a text; undefined text stands for one that was longer than allowed and has been passed over. */
export interface BoundedLine {
  number: number;
  text: string | undefined;
}

/** Splits UTF-8 into lines. No more than `maxBytes` of a line are held; what is longer is passed over. */
export async function* boundedLines(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<BoundedLine> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let number = 0;
  const take = (): BoundedLine => {
    const text = bytes > maxBytes ? undefined : Buffer.concat(parts).toString('utf8');
    parts = [];
    bytes = 0;
    return { number: ++number, text };
  };
  const add = (part: Uint8Array): void => {
    bytes += part.length;
    if (bytes <= maxBytes) parts.push(part);
    else parts = [];
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      add(chunk.subarray(start, end));
      start = end + 1;
      yield take();
    }
    if (start < chunk.length) add(chunk.subarray(start));
  }
  if (bytes > 0) yield take();
}

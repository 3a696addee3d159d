import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundedLines } from './bounded-lines.ts';

async function split(chunks: readonly Uint8Array[], maxBytes: number): Promise<(string | undefined)[]> {
  const lines: (string | undefined)[] = [];
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  for await (const line of boundedLines(stream(), maxBytes)) {
    lines.push(line.text);
    expect(line.number).toBe(lines.length);
  }
  return lines;
}

describe('boundedLines', () => {
  it('splits the same way wherever the chunks end', async () => {
    const lines = fc.array(
      fc.string().map((text) => text.replaceAll('\n', '')),
      { minLength: 1 },
    );
    await fc.assert(
      fc.asyncProperty(lines, fc.integer({ min: 1, max: 9 }), async (texts, size) => {
        const bytes = Buffer.from(`${texts.join('\n')}\n`);
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.subarray(i * size, (i + 1) * size),
        );
        expect(await split(chunks, 10_000)).toEqual(texts);
      }),
    );
  });

  it('passes over a line that is too long, and goes on behind it', async () => {
    const chunks = ['short\n', 'x'.repeat(50), 'x'.repeat(50), 'x\nnext'].map((text) => Buffer.from(text));
    expect(await split(chunks, 60)).toEqual(['short', undefined, 'next']);
  });
});

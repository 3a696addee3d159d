/**
 * JSON that keeps 64-bit numbers exact: a bigint is written as text behind "~", and a text that begins with "~" gets another
 * one in front. Fields that are undefined are left out.
 */
export function toExactJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return `~${item}`;
    return typeof item === 'string' && item.startsWith('~') ? `~${item}` : item;
  });
}

/** @throws {SyntaxError} */
export function fromExactJson(text: string): unknown {
  return JSON.parse(text, (_key, item: unknown) => {
    if (typeof item !== 'string' || !item.startsWith('~')) return item;
    if (item.startsWith('~~')) return item.slice(1);
    return BigInt(item.slice(1));
  });
}

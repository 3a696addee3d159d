export const maxNameLength = 256;
export const maxTextLength = 8_192;
const maxMapEntries = 512;

/** Cuts what is too long, in place where it can, and remembers that it did. */
export class Cutter {
  shortened = false;

  text(text: string, maxLength: number): string {
    if (text.length <= maxLength) return text;
    this.shortened = true;
    // A cut between the halves of a surrogate pair would leave what UTF-8 cannot encode.
    return text.slice(0, maxLength).toWellFormed();
  }

  texts(texts: string[], maxLength: number): void {
    for (const [index, text] of texts.entries()) if (text.length > maxLength) texts[index] = this.text(text, maxLength);
  }

  list<T>(list: T[], maxEntries: number): T[] {
    if (list.length > maxEntries) {
      list.length = maxEntries;
      this.shortened = true;
    }
    return list;
  }

  map(map: Record<string, string>): Record<string, string> {
    const entries = Object.entries(map);
    const fits = ([key, value]: [string, string]): boolean =>
      key.length <= maxNameLength && value.length <= maxTextLength;
    if (entries.length <= maxMapEntries && entries.every(fits)) return map;
    this.shortened = true;
    return Object.fromEntries(
      entries
        .slice(0, maxMapEntries)
        .map(([key, value]) => [this.text(key, maxNameLength), this.text(value, maxTextLength)]),
    );
  }
}

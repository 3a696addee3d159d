/** The decoder writes an empty text for what the kernel did not say. */
export function present(text: string): string | undefined {
  return text === '' ? undefined : text;
}

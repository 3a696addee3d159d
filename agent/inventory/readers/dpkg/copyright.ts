import { textOfBytes } from '../../path-text.ts';

const maxLicenses = 32;
const maxLength = 200;

/**
 * The licences of a machine-readable debian/copyright, as written there, each once; none of one that is free text.
 * @see https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
 */
export function licensesOf(bytes: Buffer): string[] {
  const text = textOfBytes(bytes);
  if (!/^\s*format(?:-specification)?:/i.test(text)) return [];
  const found = new Set<string>();
  for (const [, license = ''] of text.matchAll(/^license:[ \t]*(\S.*)$/gim)) {
    if (found.size >= maxLicenses) break;
    if (license.length <= maxLength) found.add(license.trim());
  }
  return [...found];
}

import { limits } from './model.ts';

/**
 * The absolute form of a path in a document: "usr/bin/x", "./usr/bin/x" and "/usr//bin/x" become "/usr/bin/x". Undefined
 * for what is no path in an image: empty, too long, with NUL, or leading out of the root.
 */
export function normalizePath(text: string): string | undefined {
  if (text.length === 0 || text.length > limits.maxTextLength || text.includes('\0')) return undefined;
  const parts: string[] = [];
  for (const part of text.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return `/${parts.join('/')}`.toWellFormed();
}

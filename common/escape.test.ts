import { expect, it } from 'vitest';
import { escapeHostile } from './escape.ts';

it('shows control characters, escape sequences and bidirectional overrides instead of performing them', () => {
  expect(escapeHostile('a\u001b[31mred\n\u202Ex')).toBe('a\\x1b[31mred\\n\\u{202e}x');
  expect(escapeHostile('lone \ud800')).toBe('lone \\u{d800}');
  expect(escapeHostile('C:\\dir')).toBe('C:\\\\dir');
});

it('leaves ordinary letters of any script alone', () => {
  expect(escapeHostile('größe 尺寸 размер')).toBe('größe 尺寸 размер');
});

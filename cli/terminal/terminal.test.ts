import { afterEach, describe, expect, it, vi } from 'vitest';
import { createScreen, screenOf } from './style.ts';
import { renderTable } from './table.ts';
import { truncate, widthOf, wrap } from './text.ts';
import { dateTime, duration, timeOfDay, zoneNote } from './time.ts';

const screen = (columns: number) => createScreen({ columns, colours: false, terminal: true, utc: true });

afterEach(() => vi.unstubAllEnvs());

describe('screenOf', () => {
  it('has colours only on a terminal, and not with NO_COLOR', () => {
    vi.stubEnv('TERM', 'xterm');
    vi.stubEnv('NO_COLOR', '');
    expect(screenOf({ isTTY: true, columns: 80 })).toMatchObject({ colours: true, columns: 80, terminal: true });
    expect(screenOf({})).toMatchObject({ colours: false, columns: 100, terminal: false });
    vi.stubEnv('NO_COLOR', '1');
    expect(screenOf({ isTTY: true, columns: 80 }).colours).toBe(false);
    vi.stubEnv('NO_COLOR', '');
    vi.stubEnv('TERM', 'dumb');
    expect(screenOf({ isTTY: true, columns: 80 }).colours).toBe(false);
  });
});

describe('text', () => {
  it('measures wide characters, combining marks and colours', () => {
    expect([widthOf('尺寸'), widthOf('e\u0301'), widthOf('\u001b[31mred\u001b[0m')]).toEqual([4, 1, 3]);
  });

  it('cuts by columns and marks the cut', () => {
    expect(truncate('abcdef', 4)).toBe('abc…');
    expect(truncate('尺寸尺寸', 5)).toBe('尺寸…');
    expect(truncate('abcd', 4)).toBe('abcd');
  });

  it('wraps at spaces, and inside words that are too long', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('a '.padEnd(2) + 'x'.repeat(9), 4)).toEqual(['a', 'xxxx', 'xxxx', 'x']);
    expect(wrap('尺寸尺寸', 5)).toEqual(['尺寸', '尺寸']);
    expect(wrap('', 5)).toEqual(['']);
  });

  it('ends for widths that nothing fits in', () => {
    expect(wrap('尺寸 ab', 1).join('')).toContain('寸');
  });
});

describe('times', () => {
  const at = Date.UTC(2026, 10, 23, 3, 14, 3, 218);

  it('are shown in the zone of the screen, which is named once', () => {
    expect(timeOfDay(at, screen(80))).toBe('03:14:03.218');
    expect(dateTime(at, screen(80))).toBe('2026-11-23 03:14:03');
    expect(zoneNote(screen(80))).toBe('times are UTC');
    vi.stubEnv('TZ', 'Asia/Kolkata');
    const local = createScreen({ columns: 80, colours: false, terminal: true, utc: false });
    expect(timeOfDay(at, local)).toBe('08:44:03.218');
    expect(zoneNote(local, at)).toMatch(/\(UTC\+05:30\)$/);
  });

  it('survive numbers that are no time', () => {
    expect(timeOfDay(Number.NaN, screen(80))).toBe('00:00:00.000');
    expect(dateTime(1e300, screen(80))).toBe('1970-01-01 00:00:00');
  });

  it.each([
    [-5, '0 ms'],
    [340, '340 ms'],
    [12_340, '12.3 s'],
    [360_000, '6 min'],
    [15_000_000, '4 h 10 min'],
    [532_800_000, '6 d 4 h'],
  ])('durations: %d ms is %s', (ms, shown) => {
    expect(duration(ms)).toBe(shown);
  });
});

describe('renderTable', () => {
  const rows = [
    { name: 'web', image: 'registry.acme.io/checkout/with/a/long/path:4.2.1' },
    { name: '尺寸', image: 'short' },
  ];
  const columns = [
    { title: 'NAME', text: (row: (typeof rows)[0]) => row.name },
    { title: 'IMAGE', text: (row: (typeof rows)[0]) => row.image, flexible: true },
  ];

  it('aligns wide characters and cuts only flexible columns', () => {
    expect(renderTable(columns, rows, screen(30))).toEqual([
      'NAME  IMAGE',
      'web   registry.acme.io/checko…',
      '尺寸  short',
    ]);
  });

  it('cuts nothing where there is no terminal', () => {
    const file = createScreen({ columns: 30, colours: false, terminal: false, utc: true });
    expect(renderTable(columns, rows, file)[1]).toContain('path:4.2.1');
  });
});

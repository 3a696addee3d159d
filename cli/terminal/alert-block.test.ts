import { describe, expect, it } from 'vitest';
import { alertBlock, updateLine } from './alert-block.ts';
import { alertDetail } from './alert-detail.ts';
import { alertView } from './alert-view.ts';
import { sampleAlert } from './sample-alert.ts';
import { createScreen } from './style.ts';
import { widthOf } from './text.ts';

const screen = (columns: number, colours = false) => createScreen({ columns, colours, terminal: true, utc: true });

describe('alertBlock', () => {
  it('tells everything in one block, the worst word first', () => {
    expect(alertBlock(alertView(sampleAlert()), screen(120)).join('\n')).toMatchSnapshot();
  });

  it('says which source and commit an image is from, or which expectation on its build is not met', () => {
    const papersLine = (data: object): string => {
      const view = alertView(sampleAlert());
      const provenance = { outcome: 'verified', reason: undefined, signer: undefined, data } as const;
      return alertBlock({ ...view, provenance }, screen(160)).find((line) => line.includes('papers')) ?? '';
    };
    const built = { source_uri: 'git+https://github.com/acme/checkout.git@refs/tags/v1', commit: '4be1c2d4e5f6' };
    expect(papersLine(built)).toContain('acme/checkout@4be1c2d');
    const clauses = [
      { name: 'source', outcome: 'verified', expected: ['a'], found: 'a' },
      { name: 'runner', outcome: 'untrusted', expected: ['github-hosted'], found: 'self-hosted' },
      { name: 'workflow', outcome: 'unknown', expected: [], found: 'w' },
    ];
    const line = papersLine({ ...built, clauses });
    expect(line).toContain('runner self-hosted');
    expect(line).not.toContain('acme/checkout');
  });

  it('wraps under its labels on a narrow terminal and never exceeds it', () => {
    const lines = alertBlock(alertView(sampleAlert()), screen(60));
    expect(lines.join('\n')).toMatchSnapshot();
    // The head line holds what must be found by eye and is left whole.
    for (const line of lines.slice(1)) expect(widthOf(line)).toBeLessThanOrEqual(60);
  });

  it('shows colours only where the screen has them, and the same words without', () => {
    const alert = alertView(sampleAlert());
    const plain = alertBlock(alert, screen(120)).join('\n');
    const coloured = alertBlock(alert, screen(120, true)).join('\n');
    expect(plain).not.toContain('\u001b');
    expect(coloured).toContain('\u001b[');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(plain);
  });

  it('shows hostile bytes instead of performing them', () => {
    const hostile = sampleAlert({
      summary: 'x\u001b[2J\u202Egnp.exe',
      containerName: 'a\u001b]0;owned\u0007',
      argv: ['/tmp/.x', '\u001b[31mred', 'line\nbreak', '尺寸'],
    });
    const shown = alertBlock(alertView(hostile), screen(200)).join('\n');
    for (const byte of ['\u001b', '\u0007', '\u202e']) expect(shown).not.toContain(byte);
    expect(shown).toContain('\\x1b[31mred');
    expect(shown).toContain('line\\nbreak');
    expect(shown).toContain('尺寸');
    expect(shown).toContain('a\\x1b]0;owned\\x07');
  });
});

describe('alertDetail', () => {
  it('tells the whole story with what else happened in the container', () => {
    const other = alertView(sampleAlert({ findingId: '01920000-0000-7000-8000-00000000beef' }));
    expect(alertDetail(alertView(sampleAlert()), [other], screen(110)).join('\n')).toMatchSnapshot();
  });

  it('does not list the alert itself among the others', () => {
    const alert = alertView(sampleAlert());
    expect(alertDetail(alert, [alert], screen(110)).join('\n')).not.toContain('other alerts');
  });
});

describe('alertView', () => {
  it.each([null, 7, 'text', [], {}, { id: 'x' }, { id: 'x', data: { finding_info: 4 } }])('refuses %j', (value) => {
    expect(() => alertView(value)).toThrow('not a Tallyman alert');
  });

  it('reads what there is when everything else has the wrong type', () => {
    const data = {
      finding_info: { analytic: { uid: 'r' }, attacks: 'none', title: 5 },
      evidences: [{ process: 7, container: [], data: null }],
      enrichments: [null, { name: 'image.signature', value: 'VERIFIED', data: 3 }],
      severity_id: 99,
      resources: {},
      time: 1e300,
    };
    const view = alertView({ id: 'x', data });
    expect(view.signature.outcome).toBe('unknown');
    expect(view.severity).toBe('critical');
    const shown = alertBlock(view, screen(80));
    expect(shown.join('\n')).toContain('signature ? unknown');
    expect(alertDetail(view, [], screen(80)).length).toBeGreaterThan(5);
  });

  it('bounds the chain of ancestors', () => {
    let process: object = { name: 'init', pid: 1 };
    for (let depth = 0; depth < 500; depth++) process = { name: 'p', pid: depth, parent_process: process };
    const view = alertView({ id: 'x', data: { finding_info: { analytic: { uid: 'r' } }, evidences: [{ process }] } });
    expect(view.processes.length).toBeLessThanOrEqual(64);
  });
});

describe('updateLine', () => {
  const again = (count: number) => {
    const { data, ...event } = sampleAlert() as { data: { finding_info: object } };
    const info = { ...data.finding_info, uid: 'f9c6a1e2-0000-4000-8000-000000000001' };
    const update = {
      ...data,
      activity_id: 2,
      count,
      end_time: Date.UTC(2026, 10, 23, 3, 15, 1, 118),
      finding_info: info,
    };
    return alertView({ ...event, id: `${info.uid}:repeats:${count - 1}`, data: update });
  };

  it('is one line that says how often, when last, and of which alert', () => {
    const view = again(42);
    expect(view).toMatchObject({ id: 'f9c6a1e2-0000-4000-8000-000000000001', isUpdate: true, repeats: 41 });
    const line = updateLine(view, screen(200));
    expect(line).toContain('came again 41 times, last at 03:15:01.118');
    expect(line).toContain('f9c6a1e2');
    expect(widthOf(updateLine(view, screen(60)))).toBeLessThanOrEqual(60);
    expect(updateLine(again(2), screen(200))).toContain('came again once, last');
  });

  it('is what the block of the alert says as well', () => {
    expect(alertBlock(again(42), screen(200)).join('\n')).toContain('came again 41 times');
    expect(alertDetail(again(42), [], screen(110)).join('\n')).toContain('came again 41 times');
  });
});

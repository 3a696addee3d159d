import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRules } from '../../agent/detect/rule-loader.ts';
import { readParity, renderParity } from './parity.ts';

const root = path.join(import.meta.dirname, '../..');
const lists = readParity(path.join(root, 'docs/parity.yaml'));
const ours = new Set(loadRules([path.join(root, 'agent/rules')]).map((rule) => rule.id));

function entriesOf(peer: string, list: string) {
  return lists.find((each) => each.peer === peer && each.list === list)?.entries ?? [];
}

function numbered(prefix: string, from: number, to: number, digits = 0): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `${prefix}${String(from + index).padStart(digits, '0')}`);
}

describe('parity with other monitors', () => {
  it.each([
    ['stable rules', 25],
    ['incubating rules', 31],
    ['sandbox rules', 37],
  ])('answers all of Falco’s %s', (list, count) => {
    expect(entriesOf('Falco', list).length).toBe(count);
  });

  it('answers every signature of Tracee', () => {
    const ids = [...numbered('TRC-10', 1, 9), ...numbered('TRC-10', 10, 31), 'DRV-002', 'DRV-003'];
    expect(entriesOf('Tracee', 'signatures').map((entry) => entry.id)).toEqual(ids);
  });

  it('answers every rule of Kubescape', () => {
    const anomalies = [...numbered('R', 1, 11, 4), 'R0040'];
    const signatures = [...numbered('R', 1000, 1012), 'R1015', 'R1030'];
    expect(entriesOf('Kubescape', 'node-agent rules').map((entry) => entry.id)).toEqual([...anomalies, ...signatures]);
  });

  it('answers each once', () => {
    const names = lists.flatMap(({ peer, entries }) => entries.map((entry) => `${peer}: ${entry.id ?? entry.name}`));
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('names only rules that there are', () => {
    const named = lists.flatMap(({ entries }) => entries.flatMap((entry) => entry.rules ?? []));
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((rule) => !ours.has(rule))).toEqual([]);
  });

  it('shows an answer, or the reason why there is none', () => {
    const entries = [
      { name: 'Drop and execute', rules: ['exec-drift', 'exec-fileless'], note: 'By layer.' },
      { id: 'TRC-1', name: 'hooked_a|b', leftOut: 'Not of a container.' },
    ];
    const text = renderParity([{ peer: 'Peer', list: 'rules', version: '1.0', entries }]).join('\n');
    expect(text).toContain(
      '| Drop and execute | [exec-drift](#exec-drift), [exec-fileless](#exec-fileless) | By layer. |',
    );
    expect(text).toContain('| TRC-1 hooked\\_a\\|b | – | Not of a container. |');
    expect(text).toContain('1 of 2 are covered.');
  });
});

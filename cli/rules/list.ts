import type { Rule } from '../../agent/detect/rule.ts';
import { severityName } from '../../agent/detect/severity-name.ts';
import { print, printJson, standardScreen } from '../output.ts';
import { type RuleOptions, ruleFolders } from '../service-options.ts';
import { severityTone } from '../terminal/severity-tone.ts';
import { renderTable } from '../terminal/table.ts';
import { rulesOf } from './load.ts';

export interface ListRulesOptions extends RuleOptions {
  json?: boolean;
}

export function listRules(options: ListRulesOptions): void {
  const rules = rulesOf(ruleFolders(options)).toSorted((a, b) => b.severity - a.severity || (a.id < b.id ? -1 : 1));
  if (options.json) {
    for (const rule of rules) printJson(rowOf(rule));
    return;
  }
  const screen = standardScreen();
  const columns = [
    { title: 'RULE', text: (rule: Rule) => rule.id },
    {
      title: 'SEVERITY',
      text: (rule: Rule) => severityName(rule.severity),
      paint: (shown: string, rule: Rule) => screen.paint(severityTone(severityName(rule.severity)), shown),
    },
    { title: 'ON', text: (rule: Rule) => rule.source.on.join(', '), flexible: true },
    { title: 'STATE', text: stateOf },
    { title: 'TITLE', text: (rule: Rule) => rule.title, flexible: true },
  ];
  print(...renderTable(columns, rules, screen));
}

/** What the files say; an agent may have quarantined a rule besides. */
function stateOf(rule: Rule): string {
  if (!rule.enabled) return 'disabled';
  const needsBaseline = rule.baseline === 'required' ? 'needs a baseline' : 'active';
  return rule.overrides.length > 0 ? `${needsBaseline}, overridden` : needsBaseline;
}

function rowOf(rule: Rule): object {
  const { id, title, version, file, enabled, baseline, overrides } = rule;
  return {
    id,
    title,
    severity: severityName(rule.severity),
    on: rule.source.on,
    enabled,
    baseline,
    version,
    file,
    overrides,
  };
}

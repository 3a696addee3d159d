import type { Rule } from '../../agent/detect/rule.ts';
import { severityName } from '../../agent/detect/severity-name.ts';
import type { SeverityWord } from '../../collector/decide/alert.ts';
import { severityRank } from '../../collector/decide/severity.ts';
import { type ImageRule, imageRules } from '../../collector/images/image-rules.ts';
import { print, printJson, standardScreen } from '../output.ts';
import { type RuleOptions, ruleFolders } from '../service-options.ts';
import { severityTone } from '../terminal/severity-tone.ts';
import { renderTable } from '../terminal/table.ts';
import { rulesOf } from './load.ts';

export interface ListRulesOptions extends RuleOptions {
  json?: boolean;
}

export function listRules(options: ListRulesOptions): void {
  const rules = [...rulesOf(ruleFolders(options)).map(listedRule), ...[...imageRules().values()].map(listedImageRule)];
  rules.sort((a, b) => severityRank(b.severity) - severityRank(a.severity) || (a.id < b.id ? -1 : 1));
  if (options.json) {
    for (const rule of rules) printJson(rule.json);
    return;
  }
  const screen = standardScreen();
  const columns = [
    { title: 'RULE', text: (rule: ListedRule) => rule.id },
    {
      title: 'SEVERITY',
      text: (rule: ListedRule) => rule.severity,
      paint: (shown: string, rule: ListedRule) => screen.paint(severityTone(rule.severity), shown),
    },
    { title: 'ON', text: (rule: ListedRule) => rule.on, flexible: true },
    { title: 'STATE', text: (rule: ListedRule) => rule.state },
    { title: 'TITLE', text: (rule: ListedRule) => rule.title, flexible: true },
  ];
  print(...renderTable(columns, rules, screen));
}

interface ListedRule {
  id: string;
  severity: SeverityWord;
  on: string;
  state: string;
  title: string;
  json: object;
}

function listedRule(rule: Rule): ListedRule {
  const { id, title } = rule;
  const severity = severityName(rule.severity) as SeverityWord;
  return { id, title, severity, on: rule.source.on.join(', '), state: stateOf(rule), json: rowOf(rule) };
}

function listedImageRule({ id, title, severity, version, file }: ImageRule): ListedRule {
  const on = 'image';
  return {
    id,
    title,
    severity,
    on,
    state: 'active',
    json: { id, title, severity, on: [on], enabled: true, version, file },
  };
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

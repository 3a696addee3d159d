import type { Rule } from '../../agent/detect/rule.ts';
import { severityName } from '../../agent/detect/severity-name.ts';
import { type ImageRule, imageRules } from '../../collector/images/image-rules.ts';
import { didYouMean } from '../../common/suggest.ts';
import { CommandError } from '../command-error.ts';
import { print, printJson, standardScreen } from '../output.ts';
import { type RuleOptions, ruleFolders } from '../service-options.ts';
import { labelled } from '../terminal/labelled.ts';
import { severityTone } from '../terminal/severity-tone.ts';
import type { Screen } from '../terminal/style.ts';
import { rulesOf } from './load.ts';

export interface ExplainRuleOptions extends RuleOptions {
  json?: boolean;
}

export function explainRule(id: string, options: ExplainRuleOptions): void {
  const rules = rulesOf(ruleFolders(options));
  const rule = rules.find((candidate) => candidate.id === id);
  const imageRule = imageRules().get(id);
  if (rule === undefined && imageRule !== undefined) {
    explainImageRule(imageRule, options);
    return;
  }
  if (rule === undefined)
    throw new CommandError('not-found', `there is no rule "${id}"`, {
      hint:
        didYouMean(id, [...rules.map((known) => known.id), ...imageRules().keys()]) ??
        '`tallyman rules list` names them all',
    });
  if (options.json) {
    printJson({ ...rule.source, enabled: rule.enabled, version: rule.version, overrides: rule.overrides });
    return;
  }
  const screen = standardScreen();
  print(...page(rule, screen));
}

function page(rule: Rule, screen: Screen): string[] {
  const { source } = rule;
  const severity = severityName(rule.severity);
  const state = rule.enabled ? '' : '  (disabled)';
  return [
    `${screen.paint(severityTone(severity), severity.toUpperCase())}  ${screen.paint('strong', rule.id)}${state}`,
    `  ${rule.title}`,
    '',
    ...labelled('why', paragraph(rule.description), screen),
    ...labelled('on', source.on.join(', '), screen),
    ...source.when
      .trimEnd()
      .split('\n')
      .map((line, index) => `  ${screen.paint('dim', (index === 0 ? 'when' : '').padEnd(10))}${line}`),
    ...source.exceptions.flatMap((exception) => labelled('except', exceptionText(exception), screen)),
    ...labelled(
      'repeats',
      source.key.length === 0 ? 'once per container' : `counted by ${source.key.join(', ')}`,
      screen,
    ),
    ...(rule.baseline === 'none' ? [] : labelled('baseline', baselineText[rule.baseline], screen)),
    ...labelled('do', paragraph(rule.remediation), screen),
    ...rule.falsePositives.flatMap((text) => labelled('harmless', paragraph(text), screen)),
    ...rule.mitre.flatMap((technique) =>
      labelled('ATT&CK', `${technique.techniqueId} ${technique.techniqueName} (${technique.tacticName})`, screen),
    ),
    ...rule.overrides.flatMap(({ file, reason }) => labelled('override', `${reason} (${file})`, screen)),
    ...labelled('file', `${rule.file}, version ${rule.version}, ${rule.tests.length} tests`, screen),
  ];
}

function explainImageRule(rule: ImageRule, options: ExplainRuleOptions): void {
  if (options.json) {
    printJson(rule);
    return;
  }
  const screen = standardScreen();
  print(
    `${screen.paint(severityTone(rule.severity), rule.severity.toUpperCase())}  ${screen.paint('strong', rule.id)}`,
    `  ${rule.title}`,
    '',
    ...labelled('why', paragraph(rule.description), screen),
    ...labelled('on', 'image: concluded by the collector', screen),
    ...labelled('when', paragraph(rule.when), screen),
    ...labelled('repeats', 'once per image and evidence', screen),
    ...labelled('do', paragraph(rule.remediation), screen),
    ...rule.falsePositives.flatMap((text) => labelled('harmless', paragraph(text), screen)),
    ...rule.mitre.flatMap(({ technique, tactic }) =>
      labelled('ATT&CK', `${technique.id} ${technique.name} (${tactic.name})`, screen),
    ),
    ...labelled('file', `collector/images/rules/${rule.file}, version ${rule.version}`, screen),
  );
}

const baselineText: Record<Rule['baseline'], string> = {
  required: 'required: evaluated only where the baseline of the workload is ready, or frozen',
  optional: 'optional: evaluated with and without one',
  none: 'none',
};

function exceptionText({ name, fields, comparators, values }: Rule['source']['exceptions'][number]): string {
  const tuples = values.map((tuple) =>
    fields.map((field, index) => `${field} ${comparators[index]} ${JSON.stringify(tuple[index])}`).join(' and '),
  );
  return `${name}: ${tuples.join('; or ')}`;
}

function paragraph(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, ' ');
}

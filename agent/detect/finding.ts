import { createHash } from 'node:crypto';
import { Attribution, type DataGap, type Event, type Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import type { Container } from '../container/container.ts';
import type { Loss } from '../container/loss-windows.ts';
import type { AttributedEvent, WallClock } from './attributed-event.ts';
import type { Ancestry } from './evidence.ts';
import { fieldText, readPath } from './field-path.ts';
import type { RuleProgram } from './rule.ts';
import type { EventScope } from './scope.ts';

const maxFieldLength = 512;
const maxFields = 64;
const maxKeyLength = 512;

const attributions: Record<AttributedEvent['attribution'], Attribution> = {
  complete: Attribution.COMPLETE,
  partial: Attribution.PARTIAL,
  late: Attribution.LATE,
};

/** What is known of a finding beside its rule. */
export interface FindingFacts {
  findingId: string;
  event: Event;
  ancestry: Ancestry;
  container: Container;
  attribution: AttributedEvent['attribution'];
  missing: readonly string[];
  dataComplete: boolean;
  dataGaps: DataGap[];
  fields: Record<string, string>;
  dedupeKey: string;
}

export function createFinding(program: RuleProgram, scope: EventScope, facts: FindingFacts): Finding {
  const { rule } = program;
  return {
    findingId: facts.findingId,
    ruleId: rule.id,
    ruleTitle: rule.title,
    ruleVersion: rule.version,
    severity: rule.severity,
    summary: program.summary.render(scope),
    remediation: rule.remediation,
    mitre: rule.mitre.map((technique) => ({ ...technique })),
    event: facts.event,
    processes: facts.ancestry.processes,
    ancestryComplete: facts.ancestry.complete,
    container: facts.container,
    attribution: attributions[facts.attribution],
    missing: [...facts.missing],
    dedupeKey: facts.dedupeKey,
    dataComplete: facts.dataComplete,
    dataGaps: facts.dataGaps,
    fields: facts.fields,
  };
}

/** The fields a rule looked at, by path; absent ones are left out, long ones cut. */
export function fieldEvidence(program: RuleProgram, scope: EventScope): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const path of program.evidence.slice(0, maxFields)) {
    const text = fieldText(readPath(scope, path.segments), maxFieldLength);
    if (text !== undefined) fields[path.text] = text;
  }
  return fields;
}

/** Rule, severity, container and key fields: findings that share them all are repeats. Long keys are hashed. */
export function dedupeKeyOf(program: RuleProgram, scope: EventScope, containerId: string): string {
  const values = program.key.map((path) => keyValue(readPath(scope, path.segments)));
  const key = JSON.stringify([program.rule.id, program.rule.severity, containerId, ...values]);
  if (key.length <= maxKeyLength) return key;
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}

/** Unlike evidence, never cut; null when absent. */
function keyValue(value: unknown): string | string[] | null {
  if (value === undefined) return null;
  if (value instanceof Map) return [...value].map(String).sort();
  return Array.isArray(value) ? value.map(String) : String(value);
}

const maxDataGaps = 32;

/** What may be missing from a finding, the latest losses first. */
export function dataGapEvidence(losses: readonly Loss[], clock: WallClock): DataGap[] {
  return losses
    .toSorted((one, other) => Number(other.toKtimeNs - one.toKtimeNs))
    .slice(0, maxDataGaps)
    .map(({ hop, type, reason, count, fromKtimeNs, toKtimeNs, containerId }) => ({
      ...{ hop, type, reason, count, wholeNode: containerId === undefined },
      ...{ fromUnixNs: clock.unixNs(fromKtimeNs), toUnixNs: clock.unixNs(toKtimeNs) },
    }));
}

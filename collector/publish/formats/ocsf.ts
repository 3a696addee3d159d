import { version } from '../../../common/version.ts';
import { Attribution } from '../../../proto/generated/tallyman/v1/finding.ts';
import type { Alert, SeverityWord } from '../../decide/alert.ts';
import { eventTimeUnixNs } from '../../decide/create-alert.ts';
import { severityRank } from '../../decide/severity.ts';
import { imageNameOf } from './image-name.ts';
import { ocsfEnrichments } from './ocsf-enrichments.ts';
import { ocsfEvidence } from './ocsf-evidence.ts';
import { ocsfVulnerabilities } from './ocsf-vulnerabilities.ts';
import { descriptionOf, titleOf } from './sentence.ts';
import { millisecondsOf, showText } from './text.ts';

/** https://schema.ocsf.io/1.8.0/classes/detection_finding */
export const ocsfVersion = '1.8.0';
/** Version of the ATT&CK data that technique ids refer to. */
const attackVersion = '18.1';

const severityNames: Record<SeverityWord, string> = {
  info: 'Informational',
  low: 'Low',
  medium: 'Medium',
  high: 'High',
  critical: 'Critical',
};

/**
 * An alert as OCSF 1.8.0 Detection Finding (class 2004, activity Create). Members may be undefined and strings as long
 * and as hostile as the container made them: `trim` comes after.
 */
export function toDetectionFinding(alert: Alert): Record<string, unknown> {
  const { finding } = alert.correlated;
  const timeMs = millisecondsOf(eventTimeUnixNs(alert.correlated)) ?? alert.correlated.receivedAtUnixMs;
  const evidence = ocsfEvidence(alert);
  return {
    ...classification(alert),
    time: timeMs,
    message: titleOf(alert),
    count: 1,
    metadata: metadata(alert),
    finding_info: findingInfo(alert, timeMs),
    attacks: attacks(alert),
    evidences: [evidence],
    enrichments: ocsfEnrichments(alert),
    vulnerabilities: ocsfVulnerabilities(alert),
    resources: resources(alert),
    device: device(alert),
    policy: policyOf(alert),
    observables: observables(alert),
    remediation: finding.remediation === '' ? undefined : { desc: showText(finding.remediation) },
    // The trace profile of OCSF 1.8.0 is not open to findings; this is its shape under the place for the source's own.
    unmapped: { trace: { uid: alert.traceId, span: { uid: alert.spanId } } },
  };
}

function classification(alert: Alert): object {
  const { decision, correlated } = alert;
  const isAlert = decision.action === 'alert';
  const sure = correlated.finding.dataComplete && correlated.finding.attribution !== Attribution.PARTIAL;
  const rank = severityRank(decision.severity);
  return {
    activity_id: 1,
    activity_name: 'Create',
    category_uid: 2,
    category_name: 'Findings',
    class_uid: 2004,
    class_name: 'Detection Finding',
    type_uid: 200401,
    type_name: 'Detection Finding: Create',
    severity_id: rank + 1,
    severity: severityNames[decision.severity],
    status_id: 1,
    status: 'New',
    action_id: 3,
    action: 'Observed',
    disposition_id: isAlert ? 19 : 17,
    disposition: isAlert ? 'Alert' : 'Logged',
    is_alert: isAlert,
    confidence_id: sure ? 3 : 2,
    confidence: sure ? 'High' : 'Medium',
    risk_score: decision.score,
    risk_level_id: rank,
  };
}

function metadata(alert: Alert): object {
  return {
    version: ocsfVersion,
    uid: alert.alertId,
    correlation_uid: alert.traceId,
    event_code: alert.correlated.finding.ruleId || undefined,
    product: { name: 'Tallyman', vendor_name: 'Tallyman', version },
    profiles: ['host', 'container', 'security_control'],
    logged_time: alert.createdAtUnixMs,
    tags: [{ name: 'cluster', value: alert.cluster }],
  };
}

function findingInfo(alert: Alert, timeMs: number): object {
  const { finding } = alert.correlated;
  return {
    uid: alert.alertId,
    title: titleOf(alert),
    desc: descriptionOf(alert),
    types: [finding.event?.kind || 'unknown'],
    created_time: alert.createdAtUnixMs,
    first_seen_time: timeMs,
    last_seen_time: timeMs,
    analytic: {
      uid: finding.ruleId || 'unknown',
      name: showText(finding.ruleTitle || finding.ruleId || 'unknown'),
      version: finding.ruleVersion || undefined,
      type_id: 1,
      type: 'Rule',
    },
    attacks: attacks(alert),
  };
}

function attacks(alert: Alert): object[] | undefined {
  const { mitre } = alert.correlated.finding;
  const known = mitre.filter((technique) => technique.techniqueId !== '' || technique.tacticId !== '');
  if (known.length === 0) return undefined;
  return known.map((technique) => ({
    version: attackVersion,
    technique: nameAndUid(technique.techniqueId, technique.techniqueName),
    tactic: nameAndUid(technique.tacticId, technique.tacticName),
  }));
}

function nameAndUid(uid: string, name: string): object | undefined {
  return uid === '' && name === '' ? undefined : { uid: uid || undefined, name: name || undefined };
}

function resources(alert: Alert): object[] {
  const { finding, papers } = alert.correlated;
  const container = finding.container;
  if (container === undefined) return [];
  const image = imageNameOf(container, papers.identity);
  const place = { namespace: alert.namespace, role_id: 3, role: 'Affected' };
  const reference = container.image?.reference;
  const list = [{ type: 'container', uid: container.id || undefined, name: container.name || undefined, ...place }];
  list.push({ type: 'image', uid: image.digest || undefined, name: reference || undefined, ...place });
  list.push({ type: 'pod', uid: container.podUid || undefined, name: container.podName || undefined, ...place });
  return list.filter((resource) => resource.uid !== undefined || resource.name !== undefined);
}

function device(alert: Alert): object {
  const { node } = alert.correlated;
  return {
    type_id: 1,
    type: 'Server',
    hostname: node.name || 'unknown',
    name: node.name || undefined,
    boot_uid: node.bootId || undefined,
    os: { name: node.osName || 'Linux', type_id: 200, type: 'Linux', kernel_release: node.kernelRelease || undefined },
  };
}

function policyOf(alert: Alert): object {
  const [name = '', hash = ''] = alert.decision.policyVersion.split('@', 2);
  return { name: name || 'unknown', version: hash || undefined, uid: alert.decision.policyVersion || undefined };
}

/** Type ids are the schema's `observable` numbers of the attribute's type. */
function observables(alert: Alert): object[] {
  const { finding, node } = alert.correlated;
  const path = finding.processes[0]?.executable?.path ?? '';
  const list: object[] = [];
  if (node.name !== '') list.push({ name: 'device.hostname', type_id: 1, type: 'Hostname', value: node.name });
  if (path !== '') list.push({ name: 'evidences[0].process.file.path', type_id: 45, type: 'File Path', value: path });
  return list;
}

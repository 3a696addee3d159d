import type { Attributes } from '@opentelemetry/api';
import { baseName } from '../../../common/program-name.ts';
import type { ProcessExecution } from '../../../proto/generated/tallyman/v1/process.ts';
import type { Alert } from '../../decide/alert.ts';
import { assessPosture } from '../../decide/posture-level.ts';
import { imageNameOf } from '../formats/image-name.ts';
import { layerWord } from '../formats/ocsf-process.ts';
import { titleOf } from '../formats/sentence.ts';
import { capabilityMask, commandLine, rfc3339 } from '../formats/text.ts';

const maxTextCharacters = 4096;
const maxListItems = 128;

/** Bounds an attribute value and leaves out what is not known. */
function text(value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined;
  return value.slice(0, maxTextCharacters).toWellFormed();
}

function texts(values: readonly string[]): string[] | undefined {
  if (values.length === 0) return undefined;
  return values.slice(0, maxListItems).map((value) => value.slice(0, maxTextCharacters).toWellFormed());
}

/**
 * Attributes of the resource that stands for the container, by the semantic conventions v1.44,
 * https://opentelemetry.io/docs/specs/semconv/resource/container/.
 */
export function resourceAttributes(alert: Alert): Attributes {
  const { finding, node, papers } = alert.correlated;
  const container = finding.container;
  const image = imageNameOf(container, papers.identity);
  return defined({
    'service.name': text(container?.name) ?? 'tallyman',
    'service.namespace': text(alert.namespace),
    'host.name': text(node.name),
    'container.id': text(container?.id),
    'container.name': text(container?.name),
    'container.runtime.name': text(container?.runtime),
    'container.image.name': text(image.repository),
    'container.image.tags': image.tag === '' ? undefined : texts([image.tag]),
    'container.image.id': text(papers.identity.configDigest ?? container?.image?.configDigest),
    'container.image.repo_digests': texts(container?.image?.repoDigests ?? []),
    'oci.manifest.digest': text(papers.identity.manifestDigest),
    'k8s.pod.name': text(container?.podName),
    'k8s.pod.uid': text(container?.podUid),
    'k8s.namespace.name': container?.podName ? text(container.namespace) : undefined,
    'k8s.cluster.name': container?.podName ? text(alert.cluster) : undefined,
    'k8s.node.name': container?.podName ? text(node.name) : undefined,
    'tallyman.cluster': text(alert.cluster),
  });
}

/** https://opentelemetry.io/docs/specs/semconv/registry/attributes/process/ */
export function executionAttributes(execution: ProcessExecution): Attributes {
  const path = execution.executable?.path;
  const credentials = execution.credentials;
  return defined({
    'process.pid': execution.pid,
    'process.vpid': execution.containerPid === 0 ? undefined : execution.containerPid,
    'process.executable.path': text(path),
    'process.executable.name': text(baseName(path ?? '')),
    'process.command': text(execution.argv[0]),
    'process.command_args': texts(execution.argv),
    'process.command_line': execution.argv.length > 0 ? text(commandLine(execution.argv)) : undefined,
    'process.args_count': execution.argvTruncated ? undefined : execution.argv.length,
    'process.working_directory': text(execution.cwd),
    'process.creation.time': execution.startUnixNs > 0n ? rfc3339(execution.startUnixNs) : undefined,
    'process.user.id': credentials?.euid,
    'process.real_user.id': credentials?.uid,
    'process.saved_user.id': credentials?.suid,
    'process.interactive': execution.hasTty,
    'tallyman.process.capabilities.effective':
      execution.capabilities === undefined ? undefined : capabilityMask(execution.capabilities.effective),
    'tallyman.execution.id': text(execution.executionId),
    'tallyman.executable.layer': layerWord(execution.executable?.layer),
    'tallyman.process.observed': execution.observed,
  });
}

/** What the alert span and the alert's log record say. */
export function alertAttributes(alert: Alert): Attributes {
  const { finding, papers, ownership } = alert.correlated;
  const acting = finding.processes[0];
  return defined({
    'security_rule.name': text(finding.ruleTitle),
    'security_rule.version': text(finding.ruleVersion),
    'tallyman.alert.id': alert.alertId,
    'tallyman.alert.title': text(titleOf(alert)),
    'tallyman.rule.id': text(finding.ruleId),
    'tallyman.severity': alert.decision.severity,
    'tallyman.score': alert.decision.score,
    'tallyman.reasons': texts(alert.decision.reasons.map(({ text: why, points }) => `${why} (${points})`)),
    'tallyman.policy.version': text(alert.decision.policyVersion),
    'tallyman.signature.outcome': papers.signature.outcome,
    'tallyman.signature.signer': text(papers.signature.signer?.name),
    'tallyman.sbom.outcome': papers.sbom.outcome,
    'tallyman.provenance.outcome': papers.provenance.outcome,
    'tallyman.process.package': ownership?.state,
    'artifact.purl': ownership?.state === 'owned' ? text(ownership.owners[0]?.purl) : undefined,
    'tallyman.container.posture': assessPosture(finding.container?.posture).level,
    'tallyman.data.complete': finding.dataComplete,
    'tallyman.ancestry.complete': acting === undefined ? undefined : finding.ancestryComplete,
    'process.pid': acting?.pid,
    'process.executable.path': text(acting?.executable?.path),
    ...networkAttributes(alert),
  });
}

function networkAttributes(alert: Alert): Attributes {
  const evidence = alert.correlated.finding.event?.evidence;
  if (evidence?.$case !== 'network') return {};
  const { value } = evidence;
  return {
    'network.transport': text(value.transport),
    'network.type': text(value.family),
    'network.peer.address': text(value.remoteAddress),
    'network.peer.port': value.remotePort > 0 ? value.remotePort : undefined,
    'network.local.address': text(value.localAddress),
    'network.local.port': value.localPort > 0 ? value.localPort : undefined,
  };
}

function defined(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

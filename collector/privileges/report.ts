import { ContainerState } from '../../proto/generated/tallyman/v1/container.ts';
import { adviceOf } from './advice.ts';
import { capabilityUses, deniedCapabilities, type UseEvidence } from './capability-use.ts';
import type { Evidence } from './evidence.ts';
import { dockerFlags, kubernetesFields } from './render.ts';
import { userReport } from './user.ts';
import { type Watch, watchOf } from './watch.ts';
import { writeReport } from './writes.ts';

export interface ReportOptions {
  scope: 'container' | 'workload';
  nowUnixMs: number;
  /** Advice takes at least so long. */
  minWatchMs: number;
  /** Give advice in spite of what is not known. */
  despiteGaps: boolean;
}

const maxLowPort = 1023;
const maxPorts = 100;

/** What GET /api/v1/containers/{id}/privileges answers; docs/least-privilege.md explains it. */
export function privilegeReport(all: readonly Evidence[], options: ReportOptions) {
  const watches = all.map((evidence) => ({ evidence, watch: watchOf(evidence, options.nowUnixMs) }));
  const uses = capabilityUses(all);
  const writes = writeReport(all, (evidence) => watchOf(evidence, options.nowUnixMs).untilUnixMs);
  const user = userReport(
    all,
    uses,
    writes.places.map(({ path }) => path),
  );
  const ports = portsOf(all);
  const lowPorts = ports.map(({ port }) => port).filter((port) => port > 0 && port <= maxLowPort);
  const watchProblems = watchProblemsOf(
    watches.map(({ watch }) => watch),
    options,
  );
  const problems = options.despiteGaps ? [] : watchProblems;
  const advice = adviceOf({ all, problems, uses, user, writes, lowPorts });
  return {
    scope: options.scope,
    containers: watches.map(({ evidence, watch }) => containerOf(evidence, watch)),
    watch: bestWatch(
      watches.map(({ watch }) => watch),
      watchProblems,
    ),
    capabilities: uses.map((use) => ({ ...use, evidence: use.evidence.map(shownUse) })),
    denied: deniedCapabilities(all).map(({ name, evidence }) => ({ name, evidence: evidence.map(shownUse) })),
    user,
    writes: { ...writes, lastScanUnixMs: undefined, lastScan: isoTime(writes.lastScanUnixMs) },
    ports,
    advice: { ...advice, dockerFlags: dockerFlags(advice), kubernetes: kubernetesFields(advice) },
  };
}

export type PrivilegeReport = ReturnType<typeof privilegeReport>;

/** One container that was watched as a whole is enough: what the others used is counted too. */
function watchProblemsOf(watches: readonly Watch[], { minWatchMs }: ReportOptions): string[] {
  const complete = watches.filter(({ problems }) => problems.length === 0);
  if (complete.length === 0) return [...new Set(watches.flatMap(({ problems }) => problems))];
  if (complete.some(({ watchedMs }) => watchedMs >= minWatchMs)) return [];
  const longest = Math.max(...complete.map(({ watchedMs }) => watchedMs));
  return [`it was watched for ${seconds(longest)} s of the ${seconds(minWatchMs)} s that advice takes`];
}

function bestWatch(watches: readonly Watch[], problems: string[]) {
  const complete = watches.filter((watch) => watch.problems.length === 0);
  const candidates = complete.length > 0 ? complete : watches;
  const best = candidates.toSorted((one, other) => other.watchedMs - one.watchedMs)[0];
  return {
    since: isoTime(best?.sinceUnixMs),
    until: isoTime(best?.untilUnixMs),
    watchedMs: best?.watchedMs ?? 0,
    complete: complete.length > 0,
    problems,
  };
}

function containerOf({ stored }: Evidence, watch: Watch) {
  const { container, nodeName } = stored;
  const { id, name, namespace, podName, image, posture, healthCheck } = container;
  return {
    ...{ id, name, namespace, podName, nodeName, image: image?.reference ?? '' },
    running: container.state === ContainerState.RUNNING,
    since: isoTime(watch.sinceUnixMs),
    until: isoTime(watch.untilUnixMs),
    ...{ watchedMs: watch.watchedMs, problems: watch.problems, healthCheck },
    seccompUnconfined: known(posture?.unknownFields, 'seccompUnconfined') ? posture?.seccompUnconfined : undefined,
    apparmorUnconfined: known(posture?.unknownFields, 'apparmorUnconfined') ? posture?.apparmorUnconfined : undefined,
    noNewPrivileges: known(posture?.unknownFields, 'noNewPrivileges') ? posture?.noNewPrivileges : undefined,
    privileged: known(posture?.unknownFields, 'privileged') ? posture?.privileged : undefined,
  };
}

function known(unknownFields: readonly string[] | undefined, field: string): boolean {
  return unknownFields !== undefined && !unknownFields.includes(field);
}

function portsOf(all: readonly Evidence[]) {
  const ports = all.flatMap(({ listens }) =>
    listens.map(({ fact, firstSeenUnixMs }) => ({
      ...{ transport: fact.transport, address: fact.localAddress, port: fact.localPort },
      ...{ executablePath: fact.executablePath, firstSeen: isoTime(firstSeenUnixMs) },
    })),
  );
  const distinct = new Map(ports.map((each) => [`${each.transport} ${each.address} ${each.port}`, each]));
  return [...distinct.values()].sort((one, other) => one.port - other.port).slice(0, maxPorts);
}

function shownUse({ firstSeenUnixMs, lastSeenUnixMs, ...use }: UseEvidence) {
  return { ...use, firstSeen: isoTime(firstSeenUnixMs), lastSeen: isoTime(lastSeenUnixMs) };
}

function isoTime(unixMs: number | undefined): string | undefined {
  return unixMs === undefined || !Number.isFinite(unixMs) ? undefined : new Date(unixMs).toISOString();
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}

import { capabilityNamesOf } from '../../common/capabilities.ts';
import type { CapabilityUsedFact } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { Evidence, Seen } from './evidence.ts';

/** One program's use of a capability, or a refusal. */
export interface UseEvidence {
  /** Empty when the process is not known. */
  executablePath: string;
  syscallName: string;
  origin: string | undefined;
  firstSeenUnixMs: number;
  lastSeenUnixMs: number;
}

export interface CapabilityUse {
  name: string;
  /** "yes", or "obtainable": only programs that gain privileges when they are executed could have it. */
  granted: 'yes' | 'obtainable' | 'no' | 'unknown';
  /** Whose use it was. "exec-session": only by programs put in from outside. */
  use: 'workload' | 'exec-session' | 'file' | 'never';
  /** What is advised, and why when that is not what `use` says. */
  keep: boolean;
  reason: string;
  /** Latest first. */
  evidence: UseEvidence[];
}

const maxEvidence = 20;

/** Granted and used capabilities of containers that are judged together; used ones first. */
export function capabilityUses(all: readonly Evidence[]): CapabilityUse[] {
  const granted = grantedBy(all);
  const files = fileCapabilities(all);
  const used = usesOf(all, true);
  const names = new Set([...granted.keys(), ...used.keys()]);
  return [...names]
    .map((name) => judge(name, granted.get(name), used.get(name) ?? [], files.get(name), all))
    .sort((one, other) => Number(other.keep) - Number(one.keep) || one.name.localeCompare(other.name));
}

/** What was asked for and refused: it would have been needed, or somebody was trying. */
export function deniedCapabilities(all: readonly Evidence[]): { name: string; evidence: UseEvidence[] }[] {
  const denied = [...usesOf(all, false)].map(([name, evidence]) => ({ name, evidence: latest(evidence) }));
  return denied.sort((one, other) => one.name.localeCompare(other.name));
}

function judge(
  name: string,
  granted: 'yes' | 'obtainable' | undefined,
  evidence: UseEvidence[],
  files: string[] | undefined,
  all: readonly Evidence[],
): CapabilityUse {
  const isGranted = granted ?? (all.some(({ starts }) => starts.length > 0) ? 'no' : 'unknown');
  const own = evidence.filter(({ origin }) => origin !== 'exec-session');
  const shown = { name, granted: isGranted, evidence: latest(evidence) } as const;
  if (own.length > 0) return { ...shown, use: 'workload', keep: true, reason: '' };
  if (files !== undefined)
    return { ...shown, use: 'file', keep: true, reason: `${files[0]} has it (setcap): it cannot be executed without` };
  if (evidence.length === 0) return { ...shown, use: 'never', keep: false, reason: '' };
  return { ...shown, use: 'exec-session', ...sessionVerdict(evidence, all) };
}

/** A program put in from outside may be a health check, which must go on working. */
function sessionVerdict(evidence: readonly UseEvidence[], all: readonly Evidence[]): { keep: boolean; reason: string } {
  const own = ownPrograms(all);
  const shared = evidence.find(({ executablePath }) => executablePath === '' || own.has(executablePath));
  if (shared !== undefined)
    return {
      keep: true,
      reason: `the workload runs ${shared.executablePath || 'that program'} too: it may have been its use`,
    };
  if (all.some(({ stored }) => stored.container.healthCheck !== 'none'))
    return { keep: true, reason: 'used from outside only, perhaps by a health check' };
  return { keep: false, reason: 'used only by programs put in from outside' };
}

/** Executables that were seen as the workload's own, or of which it is not known whose they were. */
function ownPrograms(all: readonly Evidence[]): Set<string> {
  const own = all.flatMap(({ ranAs }) => ranAs.filter(({ origin }) => origin !== 'exec-session'));
  return new Set(own.map(({ fact }) => fact.executablePath));
}

/** From what the kernel said when the containers' first programs began. */
function grantedBy(all: readonly Evidence[]): Map<string, 'yes' | 'obtainable'> {
  const sets = all.flatMap(({ starts }) => starts.map(({ fact }) => fact.capabilities));
  const names = new Map<string, 'yes' | 'obtainable'>();
  for (const set of sets) for (const name of capabilityNamesOf(set?.bounding ?? 0n)) names.set(name, 'obtainable');
  for (const set of sets) for (const name of capabilityNamesOf(set?.permitted ?? 0n)) names.set(name, 'yes');
  return names;
}

/** Capability → executables whose files carry it. */
function fileCapabilities(all: readonly Evidence[]): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const { fact } of all.flatMap(({ ranAs }) => ranAs))
    for (const name of capabilityNamesOf(fact.fileCapabilities ?? 0n))
      files.set(name, [...(files.get(name) ?? []), fact.executablePath]);
  return files;
}

function usesOf(all: readonly Evidence[], granted: boolean): Map<string, UseEvidence[]> {
  const uses = new Map<string, UseEvidence[]>();
  for (const evidence of all)
    for (const seen of evidence.capabilities) {
      if (seen.fact.granted !== granted || !countsForContainer(seen.fact, evidence)) continue;
      const { executablePath, syscallName, capabilityName } = seen.fact;
      const { origin, firstSeenUnixMs, lastSeenUnixMs } = seen satisfies Seen<CapabilityUsedFact>;
      const use = { executablePath, syscallName, origin, firstSeenUnixMs, lastSeenUnixMs };
      uses.set(capabilityName, [...(uses.get(capabilityName) ?? []), use]);
    }
  return uses;
}

/** A container with a user namespace of its own is never asked for capabilities of the host's: there all count. */
function countsForContainer({ initialUserNamespace }: CapabilityUsedFact, { starts }: Evidence): boolean {
  return initialUserNamespace || starts.some(({ fact }) => fact.userNamespaceLevel > 0);
}

function latest(evidence: readonly UseEvidence[]): UseEvidence[] {
  return evidence.toSorted((one, other) => other.lastSeenUnixMs - one.lastSeenUnixMs).slice(0, maxEvidence);
}

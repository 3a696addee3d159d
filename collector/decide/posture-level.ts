import type { Posture } from '../../proto/generated/tallyman/v1/container.ts';

/** How much more than an ordinary container this one may do. */
export type PostureLevel = 'privileged' | 'elevated' | 'default' | 'unknown';

export interface PostureAssessment {
  level: PostureLevel;
  /** What raises it, as a person would write it. */
  facts: readonly string[];
}

/**
 * Condenses a posture into one word. AppArmor and user namespaces do not count: where the host has none, every
 * container is without. Not knowing whether a container is privileged is `unknown`, unless something else already
 * shows it to be elevated.
 */
export function assessPosture(posture: Posture | undefined): PostureAssessment {
  if (posture === undefined) return { level: 'unknown', facts: ['the posture of the container is not known'] };
  const facts = elevatingFacts(posture);
  if (posture.privileged) return { level: 'privileged', facts: ['runs privileged', ...facts] };
  if (facts.length > 0) return { level: 'elevated', facts };
  if (posture.unknownFields.length > 0)
    return { level: 'unknown', facts: [`could not be read: ${posture.unknownFields.join(', ')}`] };
  return { level: 'default', facts: [] };
}

function elevatingFacts(posture: Posture): string[] {
  const facts: string[] = [];
  if (posture.hostPid) facts.push("shares the host's processes");
  if (posture.hostNetwork) facts.push("shares the host's network");
  if (posture.hostIpc) facts.push("shares the host's IPC");
  if (posture.addedCapabilities.length > 0) facts.push(`adds ${posture.addedCapabilities.join(', ')}`);
  if (posture.seccompUnconfined) facts.push('runs without seccomp');
  if (posture.runtimeSockets.length > 0) facts.push(`mounts ${posture.runtimeSockets.join(', ')}`);
  if (posture.devices.length > 0) facts.push(`has devices ${posture.devices.join(', ')}`);
  return facts;
}

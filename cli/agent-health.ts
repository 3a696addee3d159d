import type { AgentStatus } from '../agent/agent.ts';

export interface AgentHealth {
  ready: boolean;
  /** Why not, or what is missing though it is ready; empty when all is well. */
  reason: string;
}

/** Ready: it watches, and the collector takes what it reports. A runtime that does not answer makes it weaker only. */
export function agentHealth(status: AgentStatus): AgentHealth {
  if (!status.uplinkConnected) return { ready: false, reason: 'no connection to the collector: findings wait' };
  const present = status.directory.runtimes.filter((runtime) => runtime.present);
  const silent = present.filter(({ connected }) => !connected).map(({ name }) => name);
  const reasons = silent.map((name) => `${name} does not answer: its containers cannot be named`);
  if (present.length === 0) reasons.push('there is no container runtime here that could name containers');
  const { withoutCgroup } = status.directory;
  if (withoutCgroup > 0)
    reasons.push(
      `${withoutCgroup} running containers have no cgroup in the cgroup v2 hierarchy: what they do is not seen (runc before 1.1 leaves them in version 1 where both are mounted)`,
    );
  for (const hook of status.hooks)
    if (hook.attachPoint === undefined) reasons.push(`${hook.name}: ${hook.consequence}`);
  return { ready: true, reason: reasons.join('; ') };
}

/** "docker 20.10.24" of the runtimes that answer. */
export function runtimeNames(status: AgentStatus): string[] {
  return status.directory.runtimes
    .filter(({ connected }) => connected)
    .map(({ name, version }) => `${name} ${version}`.trim());
}

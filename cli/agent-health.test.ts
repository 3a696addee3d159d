import { describe, expect, it } from 'vitest';
import type { AgentStatus } from '../agent/agent.ts';
import { agentHealth, runtimeNames } from './agent-health.ts';

const docker = { name: 'docker', present: true, connected: true, version: '29.1', reason: '' };
const containerd = { name: 'containerd', present: true, connected: false, version: '', reason: 'away' };
const absent = { name: 'cri-o', present: false, connected: false, version: '', reason: 'there is no socket' };

function statusOf(directory: Partial<AgentStatus['directory']>): AgentStatus {
  const none = { runtimes: [docker], runningContainers: 3, withoutCgroup: 0, knownContainers: 3, cgroups: 9 };
  return { hooks: [], rules: 1, uplinkConnected: true, pendingItems: 0, directory: { ...none, ...directory } } as never;
}

describe('agentHealth', () => {
  it('misses no runtime that this host does not have', () => {
    const status = statusOf({ runtimes: [docker, absent] });
    expect(agentHealth(status)).toEqual({ ready: true, reason: '' });
    expect(runtimeNames(status)).toEqual(['docker 29.1']);
  });

  it('names a runtime that is there and does not answer', () => {
    const { ready, reason } = agentHealth(statusOf({ runtimes: [docker, containerd] }));
    expect(ready).toBe(true);
    expect(reason).toBe('containerd does not answer: its containers cannot be named');
  });

  it('says when there is no runtime at all, and which containers are out of sight', () => {
    expect(agentHealth(statusOf({ runtimes: [absent] })).reason).toContain('no container runtime');
    expect(agentHealth(statusOf({ withoutCgroup: 2 })).reason).toMatch(/^2 running containers have no cgroup/);
  });
});

import assert from 'node:assert/strict';
import type { ExecEvent } from '../../agent/decode/kernel-event.ts';
import type { SampledTask } from '../../agent/decode/sampled-task.ts';
import { readHostNamespaces } from '../../agent/sensor/host-namespaces.ts';
import { type Check, ofKind, only } from './check.ts';

/** The newest sample of each process. */
function newest(samples: readonly SampledTask[]): SampledTask[] {
  return [...new Map(samples.map((task) => [task.pid, task])).values()];
}

function sampleOf(exec: ExecEvent, samples: readonly SampledTask[]): SampledTask {
  const own = newest(samples).filter((task) => task.pid === exec.pid && task.execId === exec.execId);
  return only(own, samples);
}

/** The last program whose first argument is this. */
function execOf(events: Parameters<Check['verify']>[0], argument: string): ExecEvent {
  const execs = ofKind(events, 'exec');
  return only(
    execs.filter((exec) => exec.argv[1] === argument),
    execs,
  );
}

export const sampleChecks: readonly Check[] = [
  {
    name: 'sample tells of each process what its exec record told, and who its parent is',
    hook: 'sample',
    sampled: true,
    script: 'sleep 1.4 & su -s /bin/sh nobody -c "exec sleep 1.3"; wait',
    verify: (events, _run, samples) => {
      const shell = only(ofKind(events, 'exec').filter((exec) => exec.fromOutside));
      const host = readHostNamespaces('/proc');
      for (const exec of [shell, execOf(events, '1.4'), execOf(events, '1.3')]) {
        const task = sampleOf(exec, samples);
        assert.partialDeepStrictEqual(task, {
          ...{ pid: exec.pid, tid: exec.pid, startKtimeNs: exec.startKtimeNs, containerPid: exec.containerPid },
          ...{ cgroupId: exec.cgroupId, listed: true, leaderExited: false, tracer: undefined },
          ...{ credentials: exec.credentials, capabilities: exec.capabilities, userLevel: 0, seccompMode: 0 },
          executable: { device: exec.executable.device, inode: exec.executable.inode, unlinked: false },
          namespaces: { ...exec.namespaces, user: host.user, ipc: host.ipc, uts: host.uts, cgroup: host.cgroup },
        });
        assert.notEqual(task.namespaces.mount, host.mount);
        assert.equal(task.ktimeNs > exec.ktimeNs, true);
      }
      assert.equal(sampleOf(shell, samples).comm, 'sh');
      const nobody = sampleOf(execOf(events, '1.3'), samples);
      assert.partialDeepStrictEqual(nobody.credentials, { uid: 65534, euid: 65534, suid: 65534 });
      assert.equal(nobody.capabilities.permitted, 0n);
      const sleeper = sampleOf(execOf(events, '1.4'), samples);
      assert.equal(sleeper.parentPid, shell.pid);
      assert.equal(sleeper.parentStartKtimeNs, shell.startKtimeNs);
      assert.equal(sleeper.parentCgroupId, shell.cgroupId);
    },
  },
  {
    name: 'sample sees new namespaces and a deleted executable',
    hook: 'sample',
    sampled: true,
    script: 'cp /bin/busybox /opt/sleep; /opt/sleep 1.2 & sleep 0.4; rm /opt/sleep; unshare -n -U sleep 1.1; wait',
    verify: (events, _run, samples) => {
      const deleted = execOf(events, '1.2');
      const states = samples.filter((task) => task.pid === deleted.pid).map((task) => task.executable.unlinked);
      assert.equal(states.includes(false), true);
      assert.equal(states.at(-1), true);
      const shell = only(ofKind(events, 'exec').filter((exec) => exec.fromOutside));
      const moved = sampleOf(execOf(events, '1.1'), samples);
      const home = sampleOf(shell, samples);
      assert.notEqual(moved.namespaces.network, home.namespaces.network);
      assert.notEqual(moved.namespaces.user, home.namespaces.user);
      assert.equal(moved.namespaces.mount, home.namespaces.mount);
      assert.equal(moved.userLevel, 1);
    },
  },
];

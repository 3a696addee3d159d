import { describe, expect, it } from 'vitest';
import { parseCgroupPath } from './cgroup-path.ts';

const a = 'a1'.repeat(32);
const b = 'b2'.repeat(32);
const uid = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
const uidInSlice = uid.replaceAll('-', '_');
const staticUid = '9c'.repeat(16);
const pods = `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uidInSlice}.slice`;

describe('parseCgroupPath', () => {
  const containers: [string, string, string[], string][] = [
    ['docker, systemd driver', `/system.slice/docker-${a}.scope`, [a], ''],
    ['docker, cgroupfs driver', `/docker/${a}`, [a], ''],
    ['child cgroup of a docker container', `/docker/${a}/sub/deeper`, [a], ''],
    ['systemd in a docker container', `/docker/${a}/system.slice/docker.service`, [a], ''],
    ['containerd, systemd driver', `${pods}/cri-containerd-${a}.scope`, [a], uid],
    ['containerd, cgroupfs driver', `/kubepods/besteffort/pod${uid}/${a}`, [a], uid],
    ['guaranteed QoS, systemd', `/kubepods.slice/kubepods-pod${uidInSlice}.slice/cri-containerd-${a}.scope`, [a], uid],
    ['guaranteed QoS, cgroupfs', `/kubepods/pod${uid}/${a}`, [a], uid],
    ['static pod', `/kubepods/burstable/pod${staticUid}/${a}`, [a], staticUid],
    [
      'static pod, systemd',
      `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${staticUid}.slice/crio-${a}.scope`,
      [a],
      staticUid,
    ],
    ['an id of the user’s choice, systemd', `${pods}/cri-containerd-web.1.scope`, ['web.1'], uid],
    ['an id of the user’s choice, colon form', '/system.slice:cri-containerd:web-1', ['web-1'], ''],
    ['nerdctl, systemd', `/system.slice/nerdctl-${a}.scope`, [a], ''],
    ['podman pod', `/machine.slice/machine-libpod_pod_${b}.slice/libpod-${a}.scope/container`, [a], ''],
    ['k3s', `/k3s.slice/kubepods/burstable/pod${uid}/${a}`, [a], uid],
    ['colon form of containerd', `/kubepods-burstable-pod${uidInSlice}.slice:cri-containerd:${a}`, [a], uid],
    [
      'colon form below system.slice',
      `/system.slice/containerd.service/${`kubepods-pod${uidInSlice}.slice:cri-containerd:${a}`}`,
      [a],
      uid,
    ],
    ['colon form of CRI-O', `/kubepods-pod${uidInSlice}.slice:crio:${a}`, [a], uid],
    ['CRI-O', `${pods}/crio-${a}.scope`, [a], uid],
    ['CRI-O with crun', `${pods}/crio-${a}.scope/container`, [a], uid],
    ['CRI-O, cgroupfs driver', `/kubepods/burstable/pod${uid}/crio-${a}`, [a], uid],
    ['podman', `/machine.slice/libpod-${a}.scope`, [a], ''],
    ['podman with crun', `/machine.slice/libpod-${a}.scope/container`, [a], ''],
    ['podman split cgroups', `/system.slice/app.service/libpod-payload-${a}`, [a], ''],
    [
      'podman rootless',
      `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${a}.scope/container`,
      [a],
      '',
    ],
    [
      'kind, systemd',
      `/docker/${a}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod${uidInSlice}.slice/cri-containerd-${b}.scope`,
      [a, b],
      uid,
    ],
    [
      'kind, outer scope',
      `/system.slice/docker-${a}.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${uidInSlice}.slice/cri-containerd-${b}.scope`,
      [a, b],
      uid,
    ],
    ['kind, cgroupfs', `/docker/${a}/kubelet/kubepods/burstable/pod${uid}/${b}`, [a, b], uid],
    ['a cgroup called like another container', `/docker/${a}/docker-${b}.scope`, [a, b], ''],
    ['a cgroup called like the container itself', `/docker/${a}/docker-${a}.scope`, [a], ''],
    ['docker in docker', `/docker/${a}/docker/${b}`, [a, b], ''],
    ['garden', '/garden/1a2b3c4d-0001-0002-0003-0004', ['1a2b3c4d-0001-0002-0003-0004'], ''],
    ['GitHub runner', `/actions_job/${a}`, [a], ''],
  ];
  it.each(containers)('%s', (_name, path, containerIds, podUid) => {
    expect(parseCgroupPath(path)).toEqual({ containers: containerIds.map((id) => ({ id, certain: true })), podUid });
  });

  const none: [string, string][] = [
    ['the root', '/'],
    ['nothing', ''],
    ['a systemd unit', '/system.slice/docker.service'],
    ['the docker directory', '/docker'],
    ['conmon of CRI-O', `${pods}/crio-conmon-${a}.scope`],
    ['conmon of podman', `/machine.slice/libpod-conmon-${a}.scope`],
    ['63 digits', `/docker/${a.slice(1)}`],
    ['65 digits', `/docker/${a}0`],
    ['capital letters', `/docker/${a.toUpperCase()}`],
    ['a build cache', '/docker/buildkit/tq1q6mkw4bq7o8cj2h1ucv1ns'],
    ['a garden id with a tail', '/garden/1a2b3c4d-0001-0002-0003-0004-0005'],
    ['a prefix without an id', `${pods}/cri-containerd-.scope`],
    ['a name with a prefix and no scope', '/kubelet/cri-containerd-web'],
    ['containerd itself', '/system.slice/cri-containerd.service'],
    ['an id with what no id has', '/x/cri-containerd-a b.scope'],
    ['an id that is too long', `/x/cri-containerd-${'x'.repeat(77)}.scope`],
    ['a long unit name', '/system.slice/systemd-journald-audit-dispatcher.service'],
    ['a podman pod slice', `/machine.slice/machine-libpod_pod_${a}.slice`],
  ];
  it.each(none)('%s is no container', (_name, path) => {
    expect(parseCgroupPath(path).containers).toEqual([]);
  });

  it('tells a pod that has no container yet', () => {
    expect(parseCgroupPath(pods)).toEqual({ containers: [], podUid: uid });
  });

  it('leaves bare ids in unusual places to the runtime', () => {
    expect(parseCgroupPath(`/ecs/4f/${a}`).containers).toEqual([{ id: a, certain: false }]);
    expect(parseCgroupPath(`/custom/${a}/docker/${b}`).containers).toEqual([
      { id: a, certain: false },
      { id: b, certain: true },
    ]);
  });

  it('looks at a bounded number of segments', () => {
    expect(parseCgroupPath(`${'/x'.repeat(100_000)}/docker/${a}`).containers).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import type { Posture } from './container.ts';
import { dockerPosture, normalizeCapabilities, postureFacts, unknownPosture } from './posture.ts';
import { runtimeSocketsIn } from './runtime-sockets.ts';

/** What Docker 20.10 answers for `docker run image`, cut to the fields that matter. */
const plain = {
  AppArmorProfile: '',
  HostConfig: {
    Binds: null,
    NetworkMode: 'default',
    CapAdd: null,
    CapDrop: null,
    CgroupnsMode: 'host',
    IpcMode: 'private',
    PidMode: '',
    Privileged: false,
    ReadonlyRootfs: false,
    SecurityOpt: null,
    UTSMode: '',
    UsernsMode: '',
    Devices: [],
    DeviceRequests: null,
    MaskedPaths: ['/proc/kcore'],
  },
  Mounts: [],
  Config: { User: '', Image: 'bb' },
};

function posture(host: object, top: object = {}): Posture {
  return dockerPosture({ ...plain, ...top, HostConfig: { ...plain.HostConfig, ...host } }, () => true);
}

const ordinary: Posture = { ...unknownPosture(), unknownFields: [] };

describe('dockerPosture', () => {
  const cases: [string, object, object, Partial<Posture>][] = [
    ['an ordinary container', {}, {}, {}],
    ['--privileged', { Privileged: true }, {}, { privileged: true, seccompUnconfined: true }],
    [
      '--privileged on a host with AppArmor',
      { Privileged: true },
      { AppArmorProfile: 'unconfined' },
      { privileged: true, seccompUnconfined: true, apparmorUnconfined: true },
    ],
    [
      '--privileged with a seccomp profile',
      { Privileged: true, SecurityOpt: ['seccomp={"defaultAction":"SCMP_ACT_ERRNO"}'] },
      {},
      { privileged: true },
    ],
    [
      'host namespaces',
      { PidMode: 'host', NetworkMode: 'host', IpcMode: 'host', UTSMode: 'host', UsernsMode: 'host' },
      {},
      { hostPid: true, hostNetwork: true, hostIpc: true, hostUts: true, hostUser: true },
    ],
    [
      'namespaces of another container',
      { PidMode: 'container:abc', NetworkMode: 'container:abc', IpcMode: 'container:abc' },
      {},
      { unknownFields: ['hostPid', 'hostNetwork', 'hostIpc'] },
    ],
    ['a network of its own', { NetworkMode: 'my-hostile-net', IpcMode: 'shareable' }, {}, {}],
    [
      'capabilities',
      { CapAdd: ['NET_ADMIN', 'cap_sys_ptrace', 'CAP_NET_ADMIN'], CapDrop: ['ALL'] },
      {},
      { addedCapabilities: ['CAP_NET_ADMIN', 'CAP_SYS_PTRACE'], droppedCapabilities: ['CAP_ALL'] },
    ],
    ['seccomp=unconfined', { SecurityOpt: ['seccomp=unconfined'] }, {}, { seccompUnconfined: true }],
    [
      'seccomp:unconfined as old clients write it',
      { SecurityOpt: ['seccomp:unconfined'] },
      {},
      { seccompUnconfined: true },
    ],
    ['apparmor=unconfined', { SecurityOpt: ['apparmor=unconfined'] }, {}, { apparmorUnconfined: true }],
    ['no-new-privileges', { SecurityOpt: ['no-new-privileges'] }, {}, { noNewPrivileges: true }],
    ['no-new-privileges:true', { SecurityOpt: ['no-new-privileges:true'] }, {}, { noNewPrivileges: true }],
    ['no-new-privileges=false', { SecurityOpt: ['no-new-privileges=false', 'label=disable'] }, {}, {}],
    [
      '--read-only --user',
      { ReadonlyRootfs: true },
      { Config: { User: '1000:1000' } },
      { readOnlyRootFilesystem: true, user: '1000:1000' },
    ],
    [
      'devices',
      {
        Devices: [{ PathOnHost: '/dev/fuse', PathInContainer: '/dev/fuse', CgroupPermissions: 'rwm' }],
        DeviceRequests: [{ Driver: 'nvidia', Count: -1 }],
      },
      {},
      { devices: ['/dev/fuse', 'driver:nvidia'] },
    ],
    [
      'the Docker socket',
      {},
      {
        Mounts: [
          {
            Type: 'bind',
            Source: '/var/run/docker.sock',
            Destination: '/s',
            Mode: '',
            RW: true,
            Propagation: 'rprivate',
          },
        ],
      },
      {
        mounts: [{ source: '/var/run/docker.sock', destination: '/s', writable: true, type: 'bind' }],
        runtimeSockets: ['/var/run/docker.sock'],
      },
    ],
    [
      'a field of a wrong type',
      { Privileged: 'yes', CapAdd: 'ALL', Devices: [3] },
      {},
      { unknownFields: ['privileged', 'addedCapabilities', 'devices'] },
    ],
    ['mounts that are no list', {}, { Mounts: { evil: true } }, { unknownFields: ['mounts', 'runtimeSockets'] }],
  ];
  it.each(cases)('%s', (_name, host, top, expected) => {
    expect(posture(host, top)).toEqual({ ...ordinary, ...expected });
  });

  it.each([undefined, null, 'text', [], {}, { HostConfig: null }])('knows nothing from %j', (inspect) => {
    expect(dockerPosture(inspect, () => true)).toEqual(unknownPosture());
    expect(unknownPosture().unknownFields).toEqual([...postureFacts]);
  });

  it('says so when there are more mounts than it lists, and still sees the socket among them', () => {
    const mounts = Array.from({ length: 200 }, (_, i) => ({
      Type: 'bind',
      Source: `/data/${i}`,
      Destination: `/${i}`,
      RW: false,
    }));
    const socket = { Type: 'bind', Source: '/run/docker.sock', Destination: '/s', RW: true };
    const result = posture({}, { Mounts: [...mounts, socket] });
    expect(result.mounts).toHaveLength(128);
    expect(result.unknownFields).toEqual(['mounts']);
    expect(result.runtimeSockets).toEqual(['/run/docker.sock']);
  });
});

describe('runtimeSocketsIn', () => {
  const all = (): boolean => true;
  const cases: [string, string[]][] = [
    ['/run/docker.sock', ['/run/docker.sock']],
    ['/var/run/../run/docker.sock', ['/var/run/docker.sock']],
    ['/run/user/1000/podman/podman.sock', ['/run/user/1000/podman/podman.sock']],
    ['/run/containerd', ['/run/containerd/containerd.sock']],
    ['/run/k3s/', ['/run/k3s/containerd/containerd.sock']],
    ['/var/run/crio/', ['/run/crio/crio.sock']],
    ['/var/lib', []],
    ['/run/docker', []],
    ['/home/me/docker.sock.bak', []],
    ['', []],
    ['named-volume', []],
  ];
  it.each(cases)('%s', (source, expected) => {
    expect(runtimeSocketsIn(source, all)).toEqual(expected);
  });

  it.each(['/', '/run', '/var/run', '/var/run/', '//run'])('sees the sockets below %s', (source) => {
    expect(runtimeSocketsIn(source, all)).toEqual(
      expect.arrayContaining(['/run/docker.sock', '/run/containerd/containerd.sock']),
    );
  });

  it('leaves out default sockets that are not there, and keeps those it cannot tell about', () => {
    expect(runtimeSocketsIn('/', (path) => path === '/run/docker.sock')).toEqual(['/run/docker.sock']);
    expect(runtimeSocketsIn('/run/crio', () => undefined)).toEqual(['/run/crio/crio.sock']);
    expect(runtimeSocketsIn('/run/docker.sock', () => false)).toEqual(['/run/docker.sock']);
  });
});

describe('normalizeCapabilities', () => {
  it('writes all names alike, once', () => {
    expect(normalizeCapabilities([' sys_admin', 'CAP_SYS_ADMIN', 'all'])).toEqual(['CAP_ALL', 'CAP_SYS_ADMIN']);
  });
});

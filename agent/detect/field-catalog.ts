import { baselineFields, baselineTypeOf } from './baseline-fields.ts';
import { bool, type FieldInfo, int, text, texts } from './field-info.ts';
import { networkFields } from './network-fields.ts';

/** Event kinds a rule can be about. */
export const eventKinds = [
  'exec',
  'capability',
  'namespace',
  'syscall',
  'connect',
  'tcp',
  'bind',
  'fanout',
  'dns',
  'unix-connect',
  'file',
  'integrity',
  'posture',
] as const;
export type EventKind = (typeof eventKinds)[number];

type TypeCatalog = Record<string, FieldInfo>;

/**
 * Every field a rule can read, by type. This is the one list: the CEL environment, the reader of placeholders, keys and
 * exceptions, the error hints and docs/writing-rules.md are made of it.
 */
export const fieldCatalog = {
  Credentials: {
    uid: int('Real user id, in the host’s user namespace.'),
    gid: int('Real group id.'),
    euid: int('Effective user id.'),
    egid: int('Effective group id.'),
    suid: int('Saved user id.'),
    sgid: int('Saved group id.'),
  },
  CapabilitySets: {
    effective: texts('Names such as `CAP_NET_RAW`.'),
    permitted: texts('Permitted capabilities.'),
    inheritable: texts('Inheritable capabilities.'),
    bounding: texts('The bounding set.'),
    ambient: texts('Ambient capabilities.'),
  },
  Executable: {
    path: text('Path in the container, resolved by the kernel: no symbolic links; `memfd:<name>` for a memfd.'),
    name: text('Last component of the path.'),
    pathTruncated: bool('The path had more components than a record holds; `path` is its tail.'),
    layer: text('`image`, `writable`, `tmpfs`, `mount`, `memfd` or `unknown`: where its bytes come from.'),
    unlinked: bool('The file had no name left when it was executed.'),
    device: int('Device number.'),
    inode: int('Inode number.'),
    setuid: bool('The file has the setuid bit.'),
    setgid: bool('The file has the setgid bit.'),
    modifiedUnixNs: int(
      'When its content was last written, Unix nanoseconds; its owner can set it. Absent when not known.',
    ),
    changedUnixNs: int(
      'When the file, its name or its permissions were last changed, Unix nanoseconds. Absent when not known.',
    ),
  },
  Privileges: {
    credentials: { type: 'Credentials', doc: 'User and group ids.' },
    capabilities: { type: 'CapabilitySets', doc: 'Capability sets.' },
  },
  StdioSocket: {
    fd: int('0, 1 or 2.'),
    family: text('`ipv4`, `ipv6`, `unix` or `other`.'),
    peerAddress: text(
      'Peer address; of unix sockets the name of the other end, `@` before abstract ones. Empty when there is none.',
    ),
    peerPort: int('Peer port; 0 when the socket has no peer.'),
    peerPid: int('Of unix sockets, the process that made or accepted the other end; 0 when not known.'),
  },
  Process: {
    pid: int('Process id in the host’s pid namespace.'),
    containerPid: int('Process id in the container’s pid namespace; absent when not known.'),
    identity: text('`<pid>:<start>`: survives the reuse of pids.'),
    comm: text('The name a process gives itself. Anybody can set it: do not decide by it.'),
    executable: { type: 'Executable', doc: 'The file that is executed.' },
    program: text(
      'The program’s name: the base name of the executable; for busybox and toybox the applet they run (by argv[0], as they decide it themselves).',
    ),
    isShell: bool('`program` is a shell (sh, ash, bash, dash, zsh, ksh, fish …).'),
    isInterpreter: bool('`program` is an interpreter of another kind (python, perl, ruby, node, php, lua, awk …).'),
    isUtility: bool(
      '`program` does what it is told with any file or address: shows, copies, encodes, packs or sends it (cat, cp, base64, tar, curl, nc …).',
    ),
    inlineCode: bool(
      'It is an interpreter that was given its program on the command line (`python3 -c`, `perl -e` …).',
    ),
    script: text('The script a shell or interpreter runs as its program; empty when there is none.'),
    scriptName: text('Last component of `script`.'),
    filename: text('The name given to execve(2): a script’s path where `executable` is its interpreter.'),
    interpreter: text('The name after `#!` of the script that was executed; empty when it was no script.'),
    byDescriptor: bool('It was executed by an open file instead of a name (fexecve, `/proc/self/fd/N`).'),
    argv: texts('Arguments; argv[0] is the name the caller chose.'),
    argvTruncated: bool('There were more arguments than a record holds.'),
    commandLine: text('`argv` joined by spaces.'),
    cwd: text('Working directory.'),
    credentials: { type: 'Credentials', doc: 'User and group ids.' },
    capabilities: { type: 'CapabilitySets', doc: 'Capability sets.' },
    before: {
      type: 'Privileges',
      doc: 'What the process might before it executed this program; absent when not known.',
    },
    capabilitiesGained: texts('Permitted capabilities that it did not have before; absent when that is not known.'),
    capabilitiesLost: texts('Permitted capabilities that it had before; absent when that is not known.'),
    setuidTookEffect: bool('The setuid bit changed its effective user; absent when not known.'),
    setgidTookEffect: bool('The setgid bit changed its effective group; absent when not known.'),
    fileCapabilitiesTookEffect: bool('It gained capabilities from those of the file; absent when not known.'),
    stdioSockets: { type: 'list<StdioSocket>', doc: 'File descriptors 0, 1 and 2 that were sockets at execve(2).' },
    hasTty: bool('It has a controlling terminal.'),
    tty: text('Name of the controlling terminal, such as `pts/0`; empty when there is none.'),
    sessionId: int('pid of the session’s leader in the host’s pid namespace; absent when not known.'),
    loginUid: int('The user who once logged in, as audit keeps it; absent when nobody did.'),
    secureExec: bool('It gained privileges by setuid, setgid or file capabilities (AT_SECURE).'),
    entry: text(
      '`container-init` (the container’s first program), `exec-session` (put in from outside) or `internal` (started by another process of the container).',
    ),
    inSession: bool(
      'It was put into the container from outside (docker exec, kubectl exec), or was started by what was.',
    ),
    packageManager: text(
      'The package manager of the image that it is, or that started it directly or not (installation scripts): `dpkg`, `apk` …; empty when there is none. By executables of image layers only; managers that are scripts (dnf 4, yum) are not recognised.',
    ),
    fromEntrypoint: bool(
      'It is how the image sets itself up: a shell or a tool for files, with nothing but shells of the image and their scripts or commands (`-c`) up to the container’s first program, and no terminal. What a server or an exec session starts is none of it, nor commands through a pipe.',
    ),
    inPlaceOfParent: bool(
      'The same process ran `parent` before, and executed this program in its place, without a fork.',
    ),
    sessionKind: text(
      'For what was put in from outside, and all that it starts: `health-check` (exactly the command of the container’s health check), `operator` (with a terminal) or `unknown`. Empty for what the container does itself. Whoever may start sessions can imitate a health check: it makes things less severe at most.',
    ),
    observed: bool('False where it was read from /proc because the agent started later.'),
    parent: { type: 'Process', doc: 'The execution that started it; absent when there is none in the container.' },
    ancestors: { type: 'list<Process>', doc: 'The executions above it, nearest first, at most 64.' },
  },
  Mount: {
    source: text('Host path or volume.'),
    destination: text('Path in the container.'),
    writable: bool('Mounted for writing.'),
    type: text('`bind`, `volume`, `tmpfs` …'),
  },
  Posture: {
    privileged: bool('Started as privileged.'),
    hostPid: bool('Shares the host’s pid namespace.'),
    hostNetwork: bool('Shares the host’s network namespace.'),
    hostIpc: bool('Shares the host’s IPC namespace.'),
    hostUts: bool('Shares the host’s UTS namespace.'),
    hostUser: bool('Taken out of the runtime’s remapping of user ids (`--userns=host`).'),
    hostNamespaces: texts('Of `pid`, `network`, `ipc` and `uts`, those shared with the host.'),
    addedCapabilities: texts('Capabilities beyond the runtime’s default.'),
    droppedCapabilities: texts('Capabilities of the runtime’s default that were taken away.'),
    seccompUnconfined: bool('No seccomp profile.'),
    apparmorUnconfined: bool('No AppArmor profile.'),
    noNewPrivileges: bool('no_new_privs is set.'),
    user: text('User the runtime was told to run as; empty for the image’s default.'),
    readOnlyRootFilesystem: bool('The root file system is read-only.'),
    mounts: { type: 'list<Mount>', doc: 'Volumes and bind mounts.' },
    devices: texts('Host devices.'),
    runtimeSockets: texts('Host paths of mounted container runtime sockets.'),
  },
  Image: {
    reference: text('As the user wrote it.'),
    repository: text('The reference without tag and digest.'),
    configDigest: text('Digest of the image config (image id).'),
    repoDigests: texts('`repository@sha256:…`'),
    targetDigest: text('Manifest or index digest named by the runtime.'),
    platform: text('`linux/amd64`'),
  },
  Container: {
    id: text('Container id.'),
    name: text('Container name.'),
    runtime: text('`docker`, `podman`, `containerd` or `cri-o`; `unknown` where no runtime answered for it.'),
    namespace: text('Kubernetes namespace, or the runtime’s name where there is none.'),
    podName: text('Pod name; empty outside Kubernetes.'),
    podUid: text('Pod uid; empty outside Kubernetes.'),
    sandbox: bool('It only holds the namespaces of a pod (the pause container).'),
    unusedCapabilities: texts(
      'Capabilities that it was started with and has not used in a day (`--review-after`). Empty until then, and where records of it were lost.',
    ),
    startedUnixNs: int('When it was started, Unix nanoseconds; absent when not known.'),
    restartCount: int('How often the runtime started it anew, in Kubernetes its container in its pod.'),
    labels: { type: 'map<string, string>', doc: 'Labels; a label that is not set is absent.' },
    image: { type: 'Image', doc: 'The image it was started from.' },
    posture: { type: 'Posture', doc: 'How privileged it is. A fact the runtime did not tell is absent, not false.' },
  },
  ExecEvent: { kind: text('`exec`. What was executed is in `process`.') },
  CapabilityEvent: {
    kind: text('`capability`'),
    capability: int('Capability number.'),
    capabilityName: text('Such as `CAP_SYS_ADMIN`.'),
    syscallNumber: int('Number of the system call in progress.'),
    syscallName: text('Name of the system call in progress; absent when not known.'),
    syscallAbi: text('`native`, or `32-bit` for a 32-bit program, whose system calls have other numbers.'),
    arguments: texts(
      'What the arguments of the system call say, by their names in the kernel’s headers: `CLONE_NEWUSER`, `PTRACE_ATTACH`, `AF_PACKET`, `SOCK_RAW` …',
    ),
    targetUid: int('The user id it wants (setuid …), in its user namespace; absent where no argument says so.'),
    targetGid: int('The group id it wants (setgid …); absent where no argument says so.'),
    targetPid: int('The process it acts on (ptrace, kill …), in its pid namespace; absent where no argument says so.'),
    granted: bool('True when the kernel allowed it.'),
    userNamespace: text(
      'The user namespace in which it was asked for, as seen from the program’s own: `own`, `ancestor`, `descendant` or `unrelated`.',
    ),
    initialUserNamespace: bool(
      'That namespace is the host’s initial one: what is granted there counts for the node. False inside a user namespace of the container’s own.',
    ),
  },
  NamespaceEvent: {
    kind: text('`namespace`'),
    changed: texts(
      'Of `mount`, `pid`, `network`, `user`, `cgroup`, `ipc`, `uts` and `time`, those that are others now.',
    ),
    toHost: texts('Those of them that are the host’s now.'),
    syscallName: text('`clone` or `clone3` for a process that was made there; empty for one that went by itself.'),
    arguments: texts('The flags of that clone: `CLONE_NEWUSER` …'),
  },
  SyscallEvent: {
    kind: text('`syscall`. Except for `io_uring_setup`, only where the syscall pack is on.'),
    syscallName: text(
      '`ptrace`, `dup`, `dup2`, `dup3`, `fcntl`, `process_vm_readv`, `process_vm_writev`, `memfd_create`, `io_uring_setup` or `userfaultfd`.',
    ),
    arguments: texts('What the arguments say: `PTRACE_TRACEME`, `PTRACE_ATTACH`, `PTRACE_SEIZE`.'),
    targetPid: int('The process it acts on, in its pid namespace; absent where no argument says so.'),
    succeeded: bool('The system call did not fail.'),
    errno: int('The error number; 0 when it did not fail.'),
    name: text('The name of a memfd; empty for other system calls.'),
    stdioFd: int('0, 1 or 2 where a socket became that descriptor (dup, dup2, dup3, fcntl); absent otherwise.'),
    peerAddress: text('Peer address of that socket; empty when it has none.'),
    peerPort: int('Peer port of that socket; 0 when it has none.'),
  },
  ...networkFields,
  ...baselineFields,
  FileEvent: {
    kind: text('`file`'),
    operation: text(
      '`open`, `read`, `write`, `truncate` (emptied), `create`, `delete`, `rename`, `link` (another name of a file), `symlink`, `mknod` (a device) or `chmod`.',
    ),
    path: text('Path in the container, by the name it was reached by.'),
    name: text('Last component of the path.'),
    directory: text('The path without its last component.'),
    target: text(
      'What a symbolic link says, the watched file that a hard link is a name of, the former path of what was renamed; else empty.',
    ),
    targetCategory: text('Category of the file a link leads to; empty when that is not watched.'),
    category: text('Why it is watched: `credential`, `cron`, `program` …: the categories of docs/watched-files.md.'),
    watchedPath: text('The watched file or directory; of files of the node its path there.'),
    fileType: text(
      '`regular`, `directory`, `symlink`, `block-device`, `character-device`, `fifo` or `socket`; absent when not known.',
    ),
    mode: int('Permission bits with setuid, setgid and sticky, after the operation; absent when not known.'),
    executable: bool('A regular file that somebody may execute; absent when the mode is not known.'),
    setuid: bool('A regular file with the setuid bit; absent when the mode is not known.'),
    setgid: bool('A regular file with the setgid bit; absent when the mode is not known.'),
    sizeBytes: int('Size after the operation; absent when not known.'),
  },
  IntegrityEvent: {
    kind: text(
      '`integrity`. A change of a running process that no hook sees, found by comparing it with what was known.',
    ),
    change: text(
      '`privileges-grown` (more than the kernel’s rules allow), `namespace-changed` (setns, unshare), `traced`, `executable-deleted`, `executable-replaced`, `stdio-socket` (a standard descriptor became a socket after execve) or `process-unseen` (no record told of it).',
    ),
    seenAt: text('`sample`, or `exec` when the process executed its next program.'),
    growth: texts(
      'What has grown: `uid`, `gid`, `permitted`, `effective`, `bounding`, `inheritable`, `user-namespace`; empty for other changes.',
    ),
    gainedCapabilities: texts('Permitted capabilities that were not permitted before; empty for other changes.'),
    before: { type: 'Privileges', doc: 'Privileges as last known; absent for other changes.' },
    after: { type: 'Privileges', doc: 'Privileges as found; absent for other changes.' },
    namespaces: texts(
      'Namespaces that changed: `mount`, `pid`, `network`, `user`, `cgroup`, `uts`, `ipc`; empty for other changes.',
    ),
    hostNamespaces: texts('Those of `namespaces` that are the host’s now.'),
    told: bool('Of changed namespaces: a `namespace` event has told of them already; false for other changes.'),
    tracerPid: int('Process id of the tracer, in the host’s pid namespace; absent for other changes.'),
    tracerPlace: text('`same-container` or `elsewhere`; absent for other changes.'),
    tracerExecutable: text('Path of the tracer’s executable; absent when it is not known.'),
    descriptors: texts('`stdin`, `stdout`, `stderr`: those that became sockets; empty for other changes.'),
  },
  PostureEvent: { kind: text('`posture`. What the container may do is in `container.posture`.') },
} satisfies Record<string, TypeCatalog>;

export type TypeName = keyof typeof fieldCatalog;

/** Type of `event` by kind. */
export const eventTypes: Record<EventKind, TypeName> = {
  exec: 'ExecEvent',
  capability: 'CapabilityEvent',
  namespace: 'NamespaceEvent',
  syscall: 'SyscallEvent',
  connect: 'ConnectEvent',
  tcp: 'TcpEvent',
  file: 'FileEvent',
  integrity: 'IntegrityEvent',
  bind: 'BindEvent',
  fanout: 'FanoutEvent',
  dns: 'DnsEvent',
  'unix-connect': 'UnixConnectEvent',
  posture: 'PostureEvent',
};

/** The types that only events of this kind have, or some kinds. */
export function typesOfKind(kind: EventKind): TypeName[] {
  return [eventTypes[kind], baselineTypeOf(kind)];
}

/** The variables a rule of this kind can use, with their types. */
export function variablesOf(kind: EventKind): Record<string, TypeName> {
  const variables: Record<string, TypeName> = {
    event: eventTypes[kind],
    container: 'Container',
    baseline: baselineTypeOf(kind),
  };
  if (kind !== 'posture') variables.process = 'Process';
  return variables;
}

/** Fields of a catalog type; undefined for scalars, lists and maps. */
export function fieldsOf(type: string): Record<string, FieldInfo> | undefined {
  return Object.hasOwn(fieldCatalog, type) ? (fieldCatalog as Record<string, TypeCatalog>)[type] : undefined;
}

/** One way to attach a hook. */
export interface HookVariant {
  /** Name of the BPF program. */
  program: string;
  /** The attach point as libbpf spells it. */
  attachPoint: string;
  /** Tracing programs need this type in the kernel's BTF: `btf_trace_<name>` for tracepoints, the function for fentry. */
  requires?: { kind: 'typedef' | 'function'; name: string };
  /** The first Linux that has the attach point, where some supported kernels do not. */
  since?: string;
  cgroup?: true;
  /** Programs that belong to it and are attached with it, each where its section says. */
  also?: readonly string[];
  /** enum bpf_attach_type, where libbpf may be older than the attach point. */
  attachType?: number;
  /** What follows when this way is taken and not one before it. */
  trade?: string;
}

export interface Hook {
  name: string;
  /** Best first. */
  variants: readonly HookVariant[];
  /** What is not seen without it. */
  consequence: string;
  /** Without a required hook the sensor does not start. */
  required: boolean;
  /** Only used when it is asked for, because of what it costs. */
  optIn?: 'syscall-pack';
}

function tracepoint(program: string, name: string): HookVariant {
  return { program, attachPoint: `tp_btf/${name}`, requires: { kind: 'typedef', name: `btf_trace_${name}` } };
}

/** The system calls of the pack; the first is the one that the others are attached with. */
const packSyscalls = [
  'ptrace',
  ...(process.arch === 'x64' ? ['dup2'] : []),
  ...['dup', 'dup3', 'fcntl', 'process_vm_readv', 'process_vm_writev', 'memfd_create', 'io_uring_setup', 'userfaultfd'],
];
const packFunction = `__${process.arch === 'x64' ? 'x64' : 'arm64'}_sys_ptrace`;

/** Every hook of the sensor, with the ways to attach it that kernels offer. */
export const hooks: readonly Hook[] = [
  {
    name: 'exec',
    variants: [tracepoint('process_exec', 'sched_process_exec')],
    consequence: 'no process is seen: the sensor cannot work',
    required: true,
  },
  {
    name: 'fork',
    variants: [tracepoint('process_fork', 'sched_process_fork')],
    consequence: 'the process tree cannot be kept: the sensor cannot work',
    required: true,
  },
  {
    name: 'exit',
    variants: [tracepoint('process_exit', 'sched_process_exit')],
    consequence: 'the process tree cannot be kept: the sensor cannot work',
    required: true,
  },
  {
    name: 'privileges',
    variants: [
      { ...tracepoint('privileges_tp', 'sched_prepare_exec'), since: '6.10' },
      {
        program: 'privileges_fentry',
        attachPoint: 'fentry/security_bprm_committing_creds',
        requires: { kind: 'function', name: 'security_bprm_committing_creds' },
      },
      { program: 'privileges_kprobe', attachPoint: 'kprobe/security_bprm_committing_creds' },
    ],
    consequence: 'what a process might before it executed a program is not known: privileges gained by it are not told',
    required: false,
  },
  {
    name: 'capability',
    variants: [
      { ...tracepoint('capability_tp', 'cap_capable'), since: '6.14' },
      {
        program: 'capability_fentry',
        attachPoint: 'fentry/cap_capable',
        requires: { kind: 'function', name: 'cap_capable' },
        trade:
          'granted or denied is worked out from credentials and user namespaces, as the kernel does; the same is seen',
      },
      {
        program: 'capability_kprobe',
        attachPoint: 'kprobe/cap_capable',
        trade: 'the same is seen; each capability check costs a little more',
      },
    ],
    consequence: 'use and denial of capabilities are not seen (rules cap-*)',
    required: false,
  },
  {
    name: 'connect4',
    variants: [{ program: 'connect4', attachPoint: 'cgroup/connect4', cgroup: true }],
    consequence: 'IPv4 connection attempts are not seen (rules net-*)',
    required: false,
  },
  {
    name: 'connect6',
    variants: [{ program: 'connect6', attachPoint: 'cgroup/connect6', cgroup: true }],
    consequence: 'IPv6 connection attempts are not seen (rules net-*)',
    required: false,
  },
  {
    name: 'sendmsg4',
    variants: [{ program: 'sendmsg4', attachPoint: 'cgroup/sendmsg4', cgroup: true }],
    consequence: 'IPv4 datagrams from sockets that are not connected are not seen (rules net-*)',
    required: false,
  },
  {
    name: 'sendmsg6',
    variants: [{ program: 'sendmsg6', attachPoint: 'cgroup/sendmsg6', cgroup: true }],
    consequence: 'IPv6 datagrams from sockets that are not connected are not seen (rules net-*)',
    required: false,
  },
  {
    name: 'bind4',
    variants: [{ program: 'bind4', attachPoint: 'cgroup/post_bind4', cgroup: true }],
    consequence: 'UDP servers and fixed source ports over IPv4 are not seen',
    required: false,
  },
  {
    name: 'bind6',
    variants: [{ program: 'bind6', attachPoint: 'cgroup/post_bind6', cgroup: true }],
    consequence: 'UDP servers and fixed source ports over IPv6 are not seen',
    required: false,
  },
  {
    name: 'unix-connect',
    variants: [
      {
        program: 'unix_connect_fentry',
        attachPoint: 'fentry/security_unix_stream_connect',
        requires: { kind: 'function', name: 'security_unix_stream_connect' },
      },
      { program: 'unix_connect_kprobe', attachPoint: 'kprobe/security_unix_stream_connect' },
      {
        program: 'unix_connect_cgroup',
        attachPoint: 'cgroup/connect_unix',
        requires: { kind: 'function', name: 'bpf_cast_to_kern_ctx' },
        cgroup: true,
        attachType: 49,
        trade: 'the path is the one that the program gave: links and relative paths are not resolved',
      },
    ],
    consequence: 'connections to unix sockets, such as those of container runtimes, are not seen',
    required: false,
  },
  {
    name: 'dns-ingress',
    variants: [{ program: 'dns_ingress', attachPoint: 'cgroup_skb/ingress', cgroup: true }],
    consequence: 'DNS answers are not seen: no dns events, and connections carry no names',
    required: false,
  },
  {
    name: 'tcp-state',
    variants: [tracepoint('tcp_state', 'inet_sock_set_state')],
    consequence: 'the outcome of connections, listening sockets and accepted connections are not seen',
    required: false,
  },
  {
    name: 'cgroup-mkdir',
    variants: [tracepoint('cgroup_mkdir', 'cgroup_mkdir')],
    consequence: 'new containers are found by polling: the first events of one may be attributed late',
    required: false,
  },
  {
    name: 'cgroup-rmdir',
    variants: [tracepoint('cgroup_rmdir', 'cgroup_rmdir')],
    consequence: 'the end of containers is found by polling',
    required: false,
  },
  {
    name: 'sample',
    variants: [
      {
        program: 'sample_tasks',
        attachPoint: 'iter/task',
        requires: { kind: 'function', name: 'bpf_iter_task' },
      },
    ],
    consequence:
      'privileges that grow without an exec, changed namespaces, tracers and deleted executables are not seen (rules integrity-*); processes that ran before are read from /proc',
    required: false,
  },
  {
    name: 'io-uring',
    variants: [tracepoint('io_uring', 'io_uring_create')],
    consequence: 'programs that set up io_uring are not seen, except by the syscall pack',
    required: false,
  },
  {
    name: 'syscall-pack',
    variants: [
      {
        program: 'syscall_ptrace',
        attachPoint: `fexit/${packFunction}`,
        requires: { kind: 'function', name: packFunction },
        also: packSyscalls.slice(1).map((name) => `syscall_${name}`),
      },
      tracepoint('syscall_exit', 'sys_exit'),
    ],
    consequence:
      'ptrace of own processes, sockets moved onto standard descriptors, process_vm_*, memfd_create and userfaultfd are not seen',
    required: false,
    optIn: 'syscall-pack',
  },
];

/**
 * What became of one way to attach a hook. used: attached. spare: loads, but a better one is attached. missing: this kernel or
 * host does not offer it. refused: offered, but it does not load or attach. unwanted: another one was asked for.
 */
export interface HookWay {
  attachPoint: string;
  state: 'used' | 'spare' | 'missing' | 'refused' | 'unwanted';
  /** Why it is not used; empty for used and spare. */
  reason: string;
  trade?: string;
}

/** How a hook came out. */
export interface HookState {
  name: string;
  /** Undefined when no variant could be attached. */
  attachPoint: string | undefined;
  /** The program that is attached. */
  program?: string;
  /** One for each variant, best first. */
  ways: HookWay[];
  consequence: string;
}

/** Why better ways, or all, are not used: "fentry/cap_capable: this kernel does not have it". */
export function passedOver(state: HookState): string[] {
  return state.ways.filter(({ reason }) => reason !== '').map(({ attachPoint, reason }) => `${attachPoint}: ${reason}`);
}

import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { CodedError } from '../common/errors.ts';
import { findCgroupRoot } from './sensor/cgroup-root.ts';

const projectRoot = join(import.meta.dirname, '..');
const powerOfTwo = (value: number): boolean => Number.isInteger(Math.log2(value));

/** `perSecond` 0: no limit. */
const budget = z.strictObject({
  perSecond: z.number().min(0).max(1_000_000),
  burst: z.number().int().min(1).max(1_000_000),
});

const agentConfigSchema = z.strictObject({
  /** The collector's gRPC address, "host:port". */
  uplinkAddress: z.string().min(1),
  /** Plain text to a collector on another machine; something else must protect the line. */
  insecureUplink: z.boolean().default(false),
  nodeName: z.string().min(1).max(253).default(hostname),
  /** The host's /proc; /host/proc where the agent runs as a container. */
  procRoot: z.string().default('/proc'),
  /** The cgroup v2 root; found by itself when not given. */
  cgroupRoot: z.string().optional(),
  /** Docker's socket; the default place, or DOCKER_HOST, when not given. */
  dockerSocket: z.string().optional(),
  /** Sockets of CRI runtimes; the usual places when not given. */
  criSockets: z.array(z.string()).default([]),
  /** Directories of rules and overrides; they are watched for changes. */
  rulesDirs: z
    .array(z.string())
    .min(1)
    .default([join(projectRoot, 'agent/rules')]),
  /** The list of files that are watched in containers; the shipped one when not given. */
  watchedFiles: z.string().default(join(projectRoot, 'agent/files/watched.yaml')),
  bpfObject: z.string().default(join(projectRoot, '.build/tallyman.bpf.o')),
  /** Size of the ring buffer: a power of two, 64 KiB to 1 GiB. */
  ringBytes: z
    .number()
    .min(64 * 1024)
    .max(1024 ** 3)
    .refine(powerOfTwo, 'must be a power of two')
    .default(8 * 1024 * 1024),
  /** What each container may send, by kind of record; kinds that are not named keep their defaults (sensor/budgets.ts). */
  budgets: z
    .strictObject({
      exec: budget,
      fork: budget,
      privilege: budget,
      network: budget,
      other: budget,
      reserve: budget,
    })
    .partial()
    .default({}),
  /**
   * Pause between the samples by which running processes are compared with what is known of them; 0: none but at the start
   * and after losses.
   */
  sampleIntervalMs: z
    .number()
    .int()
    .max(3_600_000)
    .refine((value) => value === 0 || value >= 100, 'must be 0, or 100 to 3 600 000')
    .default(1_000),
  /** How long a container is watched before it is said which capabilities it never used; 0: that is never said. */
  reviewAfterMs: z
    .number()
    .int()
    .min(0)
    .max(90 * 86_400_000)
    .default(86_400_000),
  /** Between two looks through the writable layer of a container; 0: none. */
  rootScanIntervalMs: z
    .number()
    .int()
    .max(86_400_000)
    .refine((value) => value === 0 || value >= 1_000, 'must be 0, or 1 000 to 86 400 000')
    .default(900_000),
  /** Hook the system calls that nothing else sees: see docs/syscall-pack.md for what it costs. */
  syscallPack: z.boolean().default(false),
  maxProcesses: z.number().int().min(1024).default(131_072),
  maxQueueItems: z.number().int().min(16).default(100_000),
  maxQueueBytes: z
    .number()
    .int()
    .min(1024 * 1024)
    .default(64 * 1024 * 1024),
});

export type AgentOptions = z.input<typeof agentConfigSchema>;
export type AgentConfig = z.output<typeof agentConfigSchema>;

/** Checks all options at once and fills in defaults. @throws {CodedError} CONFIG_INVALID naming every problem. */
export function parseAgentConfig(options: AgentOptions): AgentConfig {
  const result = agentConfigSchema.safeParse(options);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new CodedError('CONFIG_INVALID', `the agent's configuration is not valid: ${problems.join('; ')}`);
  }
  return { ...result.data, cgroupRoot: result.data.cgroupRoot ?? findCgroupRoot() };
}

/** @throws {CodedError} CGROUP_ROOT_MISSING */
export function requireCgroupRoot(config: AgentConfig): string {
  if (config.cgroupRoot !== undefined) return config.cgroupRoot;
  throw new CodedError(
    'CGROUP_ROOT_MISSING',
    'no cgroup v2 hierarchy is mounted at /sys/fs/cgroup or /sys/fs/cgroup/unified',
    {
      hint: 'mount one (mount -t cgroup2 none /sys/fs/cgroup/unified), or name it with --cgroup-root',
    },
  );
}

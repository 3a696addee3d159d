import { z } from 'zod';
import { baselineStates, baselineVerdicts } from '../baseline/compiled-baseline.ts';
import { fileOperations, fileTypes } from '../decode/kernel-event.ts';
import { capabilityNumber } from './capability-names.ts';
import { eventKinds } from './field-catalog.ts';

const uint32 = z.int().min(0).max(0xffff_ffff);
const port = z.int().min(0).max(65_535);
const texts = z.array(z.string());

const executableExample = z.strictObject({
  path: z.string().optional(),
  pathTruncated: z.boolean().optional(),
  layer: z.enum(['image', 'writable', 'tmpfs', 'mount', 'memfd', 'unknown']).optional(),
  unlinked: z.boolean().optional(),
  device: uint32.optional(),
  inode: z.int().min(0).optional(),
  setuid: z.boolean().optional(),
  setgid: z.boolean().optional(),
  /** How long before its execution the file was last changed; for the sentence. Not known when not given. */
  changedSecondsBefore: z.int().min(0).optional(),
  /** Who wrote it; for the sentence. */
  get writer() {
    return processExample.optional();
  },
  /** Seconds after the container was started at which the file was last changed; without it long before. */
  changedAfterStartSeconds: z.int().optional(),
});

const credentialsExample = z.strictObject({
  uid: uint32.optional(),
  gid: uint32.optional(),
  euid: uint32.optional(),
  egid: uint32.optional(),
  suid: uint32.optional(),
  sgid: uint32.optional(),
});

const capabilityNames = z
  .array(z.string().refine((name) => capabilityNumber(name) >= 0, 'must be a capability name such as CAP_NET_RAW'))
  .optional();
const capabilitiesExample = z.strictObject({
  effective: capabilityNames,
  permitted: capabilityNames,
  inheritable: capabilityNames,
  bounding: capabilityNames,
  ambient: capabilityNames,
});

const stdioSocketExample = z.strictObject({
  fd: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  family: z.enum(['ipv4', 'ipv6', 'unix', 'other']),
  peerAddress: z.string().optional(),
  peerPort: port.optional(),
  peerPid: uint32.optional(),
});

const processExample = z.strictObject({
  pid: uint32.optional(),
  containerPid: uint32.optional(),
  comm: z.string().optional(),
  executable: executableExample.optional(),
  filename: z.string().optional(),
  interpreter: z.string().optional(),
  argv: texts.optional(),
  argvTruncated: z.boolean().optional(),
  cwd: z.string().optional(),
  credentials: credentialsExample.optional(),
  capabilities: capabilitiesExample.optional(),
  /** What it might before; null: not known. What is not given was the same. */
  before: z
    .strictObject({ credentials: credentialsExample.optional(), capabilities: capabilitiesExample.optional() })
    .nullable()
    .optional(),
  stdioSockets: z.array(stdioSocketExample).optional(),
  hasTty: z.boolean().optional(),
  tty: z.string().optional(),
  sessionId: uint32.optional(),
  loginUid: uint32.optional(),
  secureExec: z.boolean().optional(),
  entry: z.enum(['container-init', 'exec-session', 'internal']).optional(),
  observed: z.boolean().optional(),
  get parent() {
    return processExample.optional();
  },
});

const privilegesExample = z.strictObject({
  credentials: credentialsExample.optional(),
  capabilities: capabilitiesExample.optional(),
  userNamespace: uint32.optional(),
  userLevel: z.int().min(0).max(32).optional(),
});

const namespaceNames = z.array(z.enum(['mount', 'pid', 'network', 'user', 'cgroup', 'uts', 'ipc']));

/** Of integrity events; `change` decides which of the others count. */
const integrityExample = {
  change: z
    .enum([
      ...(['privileges-grown', 'namespace-changed', 'traced', 'executable-deleted', 'executable-replaced'] as const),
      ...(['stdio-socket', 'process-unseen'] as const),
    ])
    .optional(),
  seenAt: z.enum(['sample', 'exec']).optional(),
  growth: z
    .array(z.enum(['uid', 'gid', 'permitted', 'effective', 'bounding', 'inheritable', 'user-namespace']))
    .optional(),
  before: privilegesExample.optional(),
  after: privilegesExample.optional(),
  namespaces: namespaceNames.optional(),
  hostNamespaces: namespaceNames.optional(),
  told: z.boolean().optional(),
  tracerPid: uint32.optional(),
  tracerPlace: z.enum(['same-container', 'elsewhere']).optional(),
  tracerExecutable: z.string().optional(),
  descriptors: z.array(z.enum(['stdin', 'stdout', 'stderr'])).optional(),
};
const namespaceKind = z.enum(['mount', 'pid', 'network', 'user', 'cgroup', 'ipc', 'uts', 'time']);

const eventExample = z.strictObject({
  ...integrityExample,
  capabilityName: z.string().optional(),
  syscallName: z.string().optional(),
  granted: z.boolean().optional(),
  syscallAbi: z.enum(['native', '32-bit']).optional(),
  arguments: texts.optional(),
  targetUid: uint32.optional(),
  targetGid: uint32.optional(),
  targetPid: uint32.optional(),
  userNamespace: z.enum(['own', 'ancestor', 'descendant', 'unrelated']).optional(),
  initialUserNamespace: z.boolean().optional(),
  errno: z.int().min(0).max(4095).optional(),
  name: z.string().optional(),
  stdioFd: z.int().min(0).max(2).optional(),
  peerAddress: z.string().optional(),
  peerPort: port.optional(),
  changed: z.array(namespaceKind).optional(),
  toHost: z.array(namespaceKind).optional(),
  transport: z.enum(['tcp', 'udp', 'icmp', 'other']).optional(),
  family: z.enum(['ipv4', 'ipv6']).optional(),
  remoteAddress: z.string().optional(),
  remotePort: port.optional(),
  localAddress: z.string().optional(),
  localPort: port.optional(),
  state: z.enum(['established', 'failed', 'listening', 'accepted']).optional(),
  remoteNames: texts.optional(),
  pathSource: z.enum(['kernel', 'argument']).optional(),
  resolverAddress: z.string().optional(),
  queryName: z.string().optional(),
  queryType: z.string().optional(),
  responseCode: z.string().optional(),
  addresses: texts.optional(),
  answerTypes: texts.optional(),
  subdomains: z.int().min(0).max(64).optional(),
  truncated: z.boolean().optional(),
  wellFormed: z.boolean().optional(),
  failure: z.enum(['', 'refused', 'timed-out', 'unreachable', 'abandoned', 'other']).optional(),
  destinations: z.int().min(1).optional(),
  shape: z.enum(['ports', 'addresses']).optional(),
  operation: z.enum(fileOperations).optional(),
  path: z.string().optional(),
  target: z.string().optional(),
  targetCategory: z.string().optional(),
  category: z.string().optional(),
  watchedPath: z.string().optional(),
  fileType: z.enum([...fileTypes, 'unknown']).optional(),
  /** Octal, as chmod takes it: "4755". */
  mode: z
    .string()
    .regex(/^[0-7]{3,4}$/, 'must be an octal mode such as "4755"')
    .optional(),
  sizeBytes: z.int().min(0).optional(),
});

const mountExample = z.strictObject({
  source: z.string(),
  destination: z.string(),
  writable: z.boolean().default(false),
  type: z.string().default('bind'),
});

const postureExample = z.strictObject({
  privileged: z.boolean().optional(),
  hostPid: z.boolean().optional(),
  hostNetwork: z.boolean().optional(),
  hostIpc: z.boolean().optional(),
  hostUts: z.boolean().optional(),
  hostUser: z.boolean().optional(),
  addedCapabilities: texts.optional(),
  droppedCapabilities: texts.optional(),
  seccompUnconfined: z.boolean().optional(),
  apparmorUnconfined: z.boolean().optional(),
  noNewPrivileges: z.boolean().optional(),
  user: z.string().optional(),
  readOnlyRootFilesystem: z.boolean().optional(),
  mounts: z.array(mountExample).optional(),
  devices: texts.optional(),
  runtimeSockets: texts.optional(),
  unknownFields: texts.optional(),
});

const containerExample = z.strictObject({
  id: z.string().optional(),
  name: z.string().optional(),
  runtime: z.string().optional(),
  namespace: z.string().optional(),
  sandbox: z.boolean().optional(),
  podName: z.string().optional(),
  /** Names of its users by id, for the sentence: what its /etc/passwd says. */
  users: z.record(z.string().regex(/^\d{1,10}$/), z.string()).optional(),
  healthCheckCommand: texts.optional(),
  labels: z.record(z.string(), z.string()).optional(),
  image: z
    .strictObject({
      reference: z.string().optional(),
      configDigest: z.string().optional(),
      repoDigests: texts.optional(),
    })
    .optional(),
  unusedCapabilities: texts.optional(),
  posture: postureExample.optional(),
});

const verdict = z.enum(baselineVerdicts).optional();

/** What the baseline says of the event; one that is given is ready unless it says else. */
const baselineExample = z.strictObject({
  state: z.enum(baselineStates).optional(),
  version: z.string().optional(),
  frozen: z.boolean().optional(),
  executable: verdict,
  arguments: verdict,
  destination: verdict,
  listen: verdict,
  capability: verdict,
});

/** An event as an example in a rule's `tests`: what is not given has an unremarkable value. */
export const ruleExampleSchema = z.strictObject({
  name: z.string().trim().min(1).max(200),
  match: z.boolean(),
  /** Needed when the rule is about several kinds of events. */
  on: z.enum(eventKinds).optional(),
  event: eventExample.optional(),
  /** null: the process is not known. */
  process: processExample.nullable().optional(),
  container: containerExample.optional(),
  baseline: baselineExample.optional(),
  /** The sentence the finding must have. */
  summary: z.string().optional(),
});

export type RuleExample = z.output<typeof ruleExampleSchema>;
export type ProcessExample = z.output<typeof processExample>;
export type EventExample = z.output<typeof eventExample>;
export type PrivilegesExample = z.output<typeof privilegesExample>;
export type ContainerExample = z.output<typeof containerExample>;
export type BaselineExample = z.output<typeof baselineExample>;

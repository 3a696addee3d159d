import {
  type Container,
  ContainerState,
  type Image,
  type Posture,
} from '../../proto/generated/tallyman/v1/container.ts';
import { Attribution, type Finding, Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import { ExecutableLayer, ProcessEntry, type ProcessExecution } from '../../proto/generated/tallyman/v1/process.ts';
import type {
  AgentStatus,
  FindingRepeats,
  Gap,
  Hello,
  Item,
  Node,
  Observation,
} from '../../proto/generated/tallyman/v1/uplink.ts';
import { Cutter, maxNameLength, maxTextLength } from './cutter.ts';

/**
 * The collector's border: everything behind it may rely on what is checked here. An agent runs beside hostile containers, so
 * two cases are kept apart. What an agent itself writes (ids, rule ids, enums) must be right, or the item is refused. What a
 * container can influence (arguments, paths, labels) is cut to its limit and never a reason to refuse: making a finding
 * disappear by an over-long argument would be an attack.
 */
export type Narrowed<T> = { value: T; shortened: boolean } | { refused: string };

/** Contract version this collector speaks. */
export const protocolVersion = 1;
export const maxItemsPerBatch = 4_096;

const limits = {
  nameLength: maxNameLength,
  textLength: maxTextLength,
  argumentLength: 32_768,
  argumentsLength: 131_072,
  listEntries: 1_024,
  processes: 128,
  remoteNames: 16,
  dnsAddresses: 64,
} as const;

/** The largest number SQLite stores: sequence and epoch must fit. */
const maxInt64 = 2n ** 63n - 1n;
const maxSafeCount = BigInt(Number.MAX_SAFE_INTEGER);
/** Used in URLs, NATS headers and keys. */
const token = /^[0-9A-Za-z][0-9A-Za-z._:-]{0,127}$/;
/** One word of a NATS subject. */
const ruleIdWord = /^[0-9A-Za-z][0-9A-Za-z_-]{0,127}$/;

export function narrowHello(hello: Hello): Narrowed<Hello & { node: Node }> {
  if (hello.protocolVersion !== protocolVersion)
    return refuse(`protocol_version is ${hello.protocolVersion}, this collector speaks ${protocolVersion}`);
  if (!token.test(hello.agentId)) return refuse('agent_id must be 1 to 128 letters, digits or one of . _ : -');
  if (hello.epoch < 1n || hello.epoch > maxInt64)
    return refuse('epoch must be the start of the agent in Unix nanoseconds');
  if (hello.node === undefined) return refuse('node is missing');
  if (hello.node.name === '' || hello.node.name.length > limits.nameLength)
    return refuse(`node.name must have 1 to ${limits.nameLength} characters`);
  const cut = new Cutter();
  const node = { ...hello.node };
  node.bootId = cut.text(node.bootId, limits.nameLength);
  node.kernelRelease = cut.text(node.kernelRelease, limits.nameLength);
  node.architecture = cut.text(node.architecture, limits.nameLength);
  node.osName = cut.text(node.osName, limits.nameLength);
  return { value: { ...hello, node }, shortened: cut.shortened };
}

/** Undefined when the number is one a batch can have. */
export function sequenceProblem(sequence: bigint): string | undefined {
  return sequence < 1n || sequence > maxInt64 ? `sequence must be 1 or more, got ${sequence}` : undefined;
}

/** `receivedAtUnixMs` stands in for times that no clock can have shown. */
export function narrowItem(item: Item, receivedAtUnixMs: number): Narrowed<Item> {
  const cut = new Cutter();
  const message = item.item;
  const problem = (() => {
    switch (message?.$case) {
      case 'finding':
        return narrowFinding(message.value, cut, receivedAtUnixMs);
      case 'observation':
        return narrowObservation(message.value, cut, receivedAtUnixMs);
      case 'containerUpdate':
        return narrowContainer(message.value.container, cut);
      case 'executionEnded':
        if (!token.test(message.value.containerId)) return 'container_id is missing or not an id';
        return token.test(message.value.executionId) ? undefined : 'execution_id is missing or not an id';
      case 'gap':
        return narrowGap(message.value, cut);
      case 'findingRepeats':
        return narrowRepeats(message.value, receivedAtUnixMs);
      case 'agentStatus':
        return narrowAgentStatus(message.value, cut);
      case undefined:
        return 'the item is empty or of a kind this collector does not know';
    }
  })();
  return problem === undefined ? { value: item, shortened: cut.shortened } : refuse(problem);
}

function narrowRepeats(repeats: FindingRepeats, receivedAtUnixMs: number): string | undefined {
  if (!token.test(repeats.findingId)) return 'finding_id is missing or not an id';
  if (!ruleIdWord.test(repeats.ruleId)) return 'rule_id is missing or not a rule id';
  if (!token.test(repeats.containerId)) return 'container_id is missing or not an id';
  if (repeats.count < 1n || repeats.count > maxSafeCount) return `count must be 1 or more, got ${repeats.count}`;
  if (!isWordOf(Severity, repeats.severity)) repeats.severity = Severity.UNSPECIFIED;
  const receivedAtUnixNs = BigInt(receivedAtUnixMs) * 1_000_000n;
  if (!isPlausible(repeats.lastUnixNs)) repeats.lastUnixNs = receivedAtUnixNs;
  if (!isPlausible(repeats.firstUnixNs) || repeats.firstUnixNs > repeats.lastUnixNs)
    repeats.firstUnixNs = repeats.lastUnixNs;
  return undefined;
}

function narrowFinding(finding: Finding, cut: Cutter, receivedAtUnixMs: number): string | undefined {
  if (!token.test(finding.findingId)) return 'finding_id is missing or not an id';
  if (!ruleIdWord.test(finding.ruleId)) return 'rule_id is missing or not a rule id';
  if (!isWordOf(Severity, finding.severity)) finding.severity = Severity.UNSPECIFIED;
  if (finding.event === undefined || finding.event.kind === '') return 'event is missing';
  // The collector's own; papers do not weigh in what it concludes of them.
  if (finding.event.evidence?.$case === 'image') return 'an agent concludes nothing about images';
  // A finding the agent could not attribute is still a finding.
  const containerProblem = finding.container === undefined ? undefined : narrowContainer(finding.container, cut);
  if (containerProblem !== undefined) return containerProblem;
  if (!isWordOf(Attribution, finding.attribution)) finding.attribution = Attribution.UNSPECIFIED;
  finding.event.kind = cut.text(finding.event.kind, limits.nameLength);
  if (finding.event.evidence?.$case === 'dns') {
    const { value } = finding.event.evidence;
    value.queryName = cut.text(value.queryName, limits.textLength);
    cut.texts(cut.list(value.addresses, limits.dnsAddresses), limits.nameLength);
  }
  if (finding.event.evidence?.$case === 'network')
    cut.texts(cut.list(finding.event.evidence.value.remoteNames, limits.remoteNames), limits.nameLength);
  if (!isPlausible(finding.event.timeUnixNs)) {
    finding.event.timeUnixNs = BigInt(receivedAtUnixMs) * 1_000_000n;
    cut.list(finding.missing, limits.listEntries - 1).push('event time');
  }
  finding.ruleTitle = cut.text(finding.ruleTitle, limits.textLength);
  finding.ruleVersion = cut.text(finding.ruleVersion, limits.nameLength);
  finding.summary = cut.text(finding.summary, limits.textLength);
  finding.remediation = cut.text(finding.remediation, limits.textLength);
  finding.dedupeKey = cut.text(finding.dedupeKey, limits.textLength);
  finding.fields = cut.map(finding.fields);
  cut.list(finding.mitre, 64);
  for (const gap of cut.list(finding.dataGaps, 64)) {
    gap.hop = cut.text(gap.hop, limits.nameLength);
    gap.type = cut.text(gap.type, limits.nameLength);
    gap.reason = cut.text(gap.reason, limits.nameLength);
  }
  cut.texts(finding.missing, limits.nameLength);
  if (finding.processes.length > limits.processes) finding.ancestryComplete = false;
  for (const execution of cut.list(finding.processes, limits.processes)) shortenExecution(execution, cut);
  return undefined;
}

function shortenArguments(execution: ProcessExecution, whole: Cutter): void {
  const cut = new Cutter();
  cut.list(execution.argv, limits.listEntries);
  cut.texts(execution.argv, limits.argumentLength);
  let room: number = limits.argumentsLength;
  for (const [index, argument] of execution.argv.entries()) {
    if (argument.length <= room) room -= argument.length;
    else {
      execution.argv[index] = cut.text(argument, room);
      room = 0;
    }
  }
  if (!cut.shortened) return;
  execution.argvTruncated = true;
  whole.shortened = true;
}

function shortenExecution(execution: ProcessExecution, cut: Cutter): void {
  shortenArguments(execution, cut);
  execution.executionId = cut.text(execution.executionId, limits.nameLength);
  execution.filename = cut.text(execution.filename, limits.textLength);
  execution.cwd = cut.text(execution.cwd, limits.textLength);
  execution.comm = cut.text(execution.comm, limits.nameLength);
  execution.interpreter = cut.text(execution.interpreter, limits.textLength);
  execution.tty = cut.text(execution.tty, limits.nameLength);
  for (const socket of cut.list(execution.stdioSockets, 16))
    socket.peerAddress = cut.text(socket.peerAddress, limits.nameLength);
  if (!isWordOf(ProcessEntry, execution.entry)) execution.entry = ProcessEntry.UNSPECIFIED;
  const { executable } = execution;
  if (executable === undefined) return;
  executable.path = cut.text(executable.path, limits.textLength);
  if (!isWordOf(ExecutableLayer, executable.layer)) executable.layer = ExecutableLayer.UNSPECIFIED;
}

function narrowContainer(container: Container | undefined, cut: Cutter): string | undefined {
  if (container === undefined) return 'container is missing';
  if (!token.test(container.id)) return 'container.id is missing or not an id';
  if (!isWordOf(ContainerState, container.state)) container.state = ContainerState.UNSPECIFIED;
  container.name = cut.text(container.name, limits.nameLength);
  container.runtime = cut.text(container.runtime, limits.nameLength);
  container.cgroupPath = cut.text(container.cgroupPath, limits.textLength);
  container.namespace = cut.text(container.namespace, limits.nameLength);
  container.podName = cut.text(container.podName, limits.nameLength);
  container.podUid = cut.text(container.podUid, limits.nameLength);
  container.labels = cut.map(container.labels);
  if (container.image !== undefined) shortenImage(container.image, cut);
  if (container.posture !== undefined) shortenPosture(container.posture, cut);
  return undefined;
}

function shortenImage(image: Image, cut: Cutter): void {
  image.reference = cut.text(image.reference, 1_024);
  image.configDigest = cut.text(image.configDigest, limits.nameLength);
  image.targetDigest = cut.text(image.targetDigest, limits.nameLength);
  image.platform = cut.text(image.platform, limits.nameLength);
  cut.texts(cut.list(image.repoDigests, 64), 1_024);
}

function shortenPosture(posture: Posture, cut: Cutter): void {
  posture.user = cut.text(posture.user, limits.nameLength);
  for (const names of [posture.addedCapabilities, posture.droppedCapabilities, posture.unknownFields])
    cut.texts(cut.list(names, limits.listEntries), limits.nameLength);
  for (const paths of [posture.devices, posture.runtimeSockets])
    cut.texts(cut.list(paths, limits.listEntries), limits.textLength);
  for (const mount of cut.list(posture.mounts, limits.listEntries)) {
    mount.source = cut.text(mount.source, limits.textLength);
    mount.destination = cut.text(mount.destination, limits.textLength);
    mount.type = cut.text(mount.type, limits.nameLength);
  }
}

function narrowObservation(observation: Observation, cut: Cutter, receivedAtUnixMs: number): string | undefined {
  if (!token.test(observation.containerId)) return 'container_id is missing or not an id';
  if (!isPlausible(observation.firstSeenUnixNs)) observation.firstSeenUnixNs = BigInt(receivedAtUnixMs) * 1_000_000n;
  const fact = observation.fact;
  if (fact === undefined) return 'fact is missing or of a kind this collector does not know';
  if (!isWordOf(ProcessEntry, observation.origin)) observation.origin = ProcessEntry.UNSPECIFIED;
  if (fact.$case === 'executed') {
    const { value } = fact;
    value.executablePath = cut.text(value.executablePath, limits.textLength);
    if (value.parentPath !== undefined) value.parentPath = cut.text(value.parentPath, limits.textLength);
    value.argumentShape = cut.text(value.argumentShape, limits.nameLength);
    if (!isWordOf(ExecutableLayer, value.layer)) value.layer = ExecutableLayer.UNSPECIFIED;
  }
  if (fact.$case === 'connected') {
    fact.value.transport = cut.text(fact.value.transport, limits.nameLength);
    fact.value.remoteAddress = cut.text(fact.value.remoteAddress, limits.nameLength);
    cut.texts(cut.list(fact.value.remoteNames, limits.remoteNames), limits.nameLength);
    fact.value.executablePath = cut.text(fact.value.executablePath, limits.textLength);
  }
  if (fact.$case === 'resolved') {
    fact.value.queryName = cut.text(fact.value.queryName, limits.textLength);
    fact.value.queryType = cut.text(fact.value.queryType, limits.nameLength);
    fact.value.responseCode = cut.text(fact.value.responseCode, limits.nameLength);
  }
  if (fact.$case === 'unixConnected') fact.value.path = cut.text(fact.value.path, limits.textLength);
  if (fact.$case === 'listened') {
    fact.value.transport = cut.text(fact.value.transport, limits.nameLength);
    fact.value.localAddress = cut.text(fact.value.localAddress, limits.nameLength);
    fact.value.executablePath = cut.text(fact.value.executablePath, limits.textLength);
  }
  if (fact.$case === 'accepted') {
    fact.value.transport = cut.text(fact.value.transport, limits.nameLength);
    fact.value.remoteAddress = cut.text(fact.value.remoteAddress, limits.nameLength);
  }
  if (fact.$case === 'capabilityUsed') {
    fact.value.capabilityName = cut.text(fact.value.capabilityName, limits.nameLength);
    fact.value.syscallName = cut.text(fact.value.syscallName, limits.nameLength);
    fact.value.executablePath = cut.text(fact.value.executablePath, limits.textLength);
  }
  if (fact.$case === 'namespaceChanged') {
    fact.value.executablePath = cut.text(fact.value.executablePath, limits.textLength);
    for (const kinds of [fact.value.changed, fact.value.toHost])
      cut.texts(cut.list(kinds, limits.listEntries), limits.nameLength);
  }
  return undefined;
}

function narrowGap(gap: Gap, cut: Cutter): string | undefined {
  if (gap.hop === '' || gap.type === '') return 'hop and type are required';
  gap.hop = cut.text(gap.hop, limits.nameLength);
  gap.type = cut.text(gap.type, limits.nameLength);
  gap.reason = cut.text(gap.reason, limits.textLength);
  cut.texts(cut.list(gap.containerIds, limits.listEntries), limits.nameLength);
  return undefined;
}

function narrowAgentStatus(status: AgentStatus, cut: Cutter): undefined {
  status.hooks = cut.map(status.hooks);
  cut.texts(cut.list(status.runtimes, limits.listEntries), limits.nameLength);
}

/** Years 2000 to 2199: what a real clock, however wrong, shows, and what every date library can print. */
function isPlausible(unixNs: bigint): boolean {
  return unixNs >= 946_684_800_000_000_000n && unixNs < 7_258_118_400_000_000_000n;
}

/** The decoder hands on enum numbers it does not know: a newer agent's word is "unspecified" here. */
function isWordOf(words: Readonly<Record<string, number>>, word: number): boolean {
  return word >= 0 && Object.values(words).includes(word);
}

function refuse(reason: string): { refused: string } {
  return { refused: reason };
}

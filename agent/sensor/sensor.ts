import { Episode } from '../../common/episode.ts';
import { CodedError, errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import { decodeRecord, recordTypeNames } from '../decode/decode.ts';
import type { KernelEvent } from '../decode/kernel-event.ts';
import { readRecordHeader, recordHeaderBytes } from '../decode/layout.generated.ts';
import { readObjectBtf, type SharedVariable } from './bpf-object.ts';
import { type Budgets, budgetConstants, defaultBudgets } from './budgets.ts';
import type { HookState } from './hooks.ts';
import { readHostNamespaces } from './host-namespaces.ts';
import { type ContainerLossRow, type LedgerRow, readContainerLosses, readLedger } from './ledger.ts';
import { LedgerCheck, type Mismatch } from './ledger-check.ts';
import { type Libbpf, loadLibbpf } from './libbpf.ts';
import { type LoadedSensor, loadSensor } from './loader.ts';
import { Pace } from './pace.ts';
import { readProgramMisses } from './program-misses.ts';
import { ReceivedCounts } from './received-counts.ts';
import { RingReader } from './ring-reader.ts';
import { RingWaiter } from './ring-waiter.ts';
import { introduceSelf } from './self.ts';
import { SensorTables } from './tables.ts';
import { type TaskSample, TaskSampler } from './task-sampler.ts';

export interface SensorOptions {
  /** The compiled BPF object. */
  objectPath: string;
  /** The host's /proc, as this process sees it. */
  procRoot: string;
  /** The cgroup v2 root; undefined where no such hierarchy is mounted. */
  cgroupRoot: string | undefined;
  /** A power of two, at least one page. */
  ringBytes: number;
  /** Called for every event, in the order of the ring buffer. Must not throw. */
  onEvent: (event: KernelEvent) => void;
  /** Called for every record that was received and could not be decoded. Must not throw. */
  onInvalid?: (record: InvalidRecord) => void;
  /** Called before the ring is read, every few milliseconds while there is work. Must not throw. */
  beforeDrain?: () => void;
  logger: Logger;
  metrics: Metrics;
  /** A deduplicated record is sent again after this long. */
  repeatIntervalMs?: number;
  /** What each container may send; those not named are the defaults. */
  budgets?: Partial<Budgets>;
  /** Tasks one sample may hold. */
  maxSampledTasks?: number;
  /** Also hook the system calls that nothing else sees; it may cost every system call of the node. */
  syscallPack?: boolean;
  /** Hook name → the attach point it must take; for tests. */
  hookVariants?: Readonly<Record<string, string>>;
}

/** What is known of a record that could not be decoded. */
export interface InvalidRecord {
  /** Name of the record type; "unknown". */
  type: string;
  /** Undefined where not even the header is there. */
  cgroupId: bigint | undefined;
  reason: string;
}

/** How long records may gather while there is work. Without work the reader sleeps until the kernel wakes it. */
const drainIntervalMs = 6;
const maxRecordsPerDrain = 100_000;
/** Tasks of one sample: more than twice the processes that the programs' table holds. */
const defaultMaxSampledTasks = 300_000;

/** The BPF programs, loaded and attached, and the reader of their ring buffer. */
export class Sensor {
  readonly #libbpf: Libbpf;
  readonly #loaded: LoadedSensor;
  readonly #ring: RingReader;
  readonly #options: SensorOptions;
  readonly #fds: { ledger: number; losses: number };
  readonly #cpuCount: number;
  readonly #received;
  readonly #invalid;
  readonly #waiter: RingWaiter;
  readonly #lossSignal: SharedVariable;
  readonly #counts: ReceivedCounts;
  readonly #check: LedgerCheck;
  readonly #decoding: Episode;
  readonly #sampler: TaskSampler;
  /** What the programs are told. */
  readonly tables: SensorTables;
  readonly #pace = new Pace(drainIntervalMs);
  /** Records by type since the counter was brought up to date: counting each with its label would cost more than decoding. */
  readonly #uncounted = new Map<number, number>();
  #stopping = false;

  /** Loads everything and attaches nothing: verdicts can be set before the first record. */
  constructor(options: SensorOptions) {
    this.#options = options;
    this.#libbpf = loadLibbpf();
    const btf = readObjectBtf(options.objectPath);
    const host = readHostNamespaces(options.procRoot);
    this.#loaded = loadSensor(this.#libbpf, {
      objectPath: options.objectPath,
      btf,
      cgroupRoot: options.cgroupRoot,
      ringBytes: options.ringBytes,
      syscallPack: options.syscallPack ?? false,
      hookVariants: options.hookVariants,
      constants: [
        { name: 'host_mount_ns', bytes: 4, value: BigInt(host.mount) },
        { name: 'host_network_ns', bytes: 4, value: BigInt(host.network) },
        { name: 'repeat_interval_ns', bytes: 8, value: BigInt(options.repeatIntervalMs ?? 60_000) * 1_000_000n },
        ...budgetConstants({ ...defaultBudgets, ...options.budgets }),
      ],
    });
    this.tables = new SensorTables(this.#libbpf, this.#loaded, options.logger);
    this.#fds = {
      ledger: this.#loaded.mapFd('ledger'),
      losses: this.#loaded.mapFd('container_losses'),
    };
    this.#cpuCount = this.#libbpf.possibleCpus();
    this.#decoding = new Episode(options.logger, 'decoding of records');
    this.#counts = new ReceivedCounts(this.#cpuCount);
    this.#check = new LedgerCheck({
      ledger: () => this.ledger(),
      received: (typeNumber, cpu) => this.#counts.get(typeNumber, cpu),
      producerPosition: () => this.#ring.producerPosition,
      consumerPosition: () => this.#ring.consumerPosition,
    });
    this.#sampler = new TaskSampler(this.#libbpf, options.maxSampledTasks ?? defaultMaxSampledTasks);
    this.#ring = new RingReader(this.#loaded.mapFd('records'), options.ringBytes);
    this.#waiter = new RingWaiter(this.#loaded.mapFd('records'), this.#loaded.variable('reader_waits'));
    this.#lossSignal = this.#loaded.variable('loss_signal');
    this.#received = options.metrics.counter('records_received_total', 'Records read from the ring buffer', ['type']);
    this.#invalid = options.metrics.counter('records_invalid_total', 'Records that could not be decoded');
    if (!introduceSelf(this.#libbpf, this.#loaded.programFd('introduce_self')))
      options.logger.info('this kernel cannot tell the programs which cgroup is the agent’s: /proc does');
  }

  get hooks(): readonly HookState[] {
    return this.#loaded.states;
  }

  /** Attaches the programs and starts to read. @throws {CodedError} SENSOR_UNAVAILABLE */
  start(): void {
    this.#loaded.attach();
    void this.#read();
  }

  /** The tasks of all containers can be asked for. */
  get canSample(): boolean {
    return this.#loaded.linkFd('sample') !== undefined;
  }

  /** All tasks of containers as they are now. @throws {CodedError} SAMPLE_FAILED, SAMPLE_TOO_LARGE */
  sample(): Promise<TaskSample> {
    const linkFd = this.#loaded.linkFd('sample');
    if (linkFd === undefined) throw new CodedError('SAMPLE_FAILED', 'the task iterator is not attached');
    return this.#sampler.sample(linkFd);
  }

  /** The kernel's account of what it sent and lost. */
  ledger(): LedgerRow[] {
    return readLedger(this.#libbpf, this.#fds.ledger, this.#cpuCount);
  }

  /** What of it is known to be whose. */
  containerLosses(): ContainerLossRow[] {
    return readContainerLosses(this.#libbpf, this.#fds.losses);
  }

  /** Changes whenever something is lost; costs nothing to look at. */
  get lossSignal(): number {
    return Atomics.load(this.#lossSignal.cell, 0);
  }

  /**
   * Compares the ledger with what was received, reading the ring for it. Answers what has come to differ since the last
   * time; undefined while a record that is still being written is in the way.
   */
  checkLedger(): Mismatch[] | undefined {
    this.#check.begin();
    this.drain();
    return this.#check.settle();
  }

  /** How often the kernel skipped the program of each hook so far; without those whose kernel does not count it. */
  programMisses(): Map<string, bigint> {
    const misses = new Map<string, bigint>();
    for (const { name, program } of this.#loaded.states) {
      const count = program && readProgramMisses(this.#libbpf, this.#loaded.programFd(program));
      if (typeof count === 'bigint') misses.set(name, count);
    }
    return misses;
  }

  /** Reads all records that wait; answers how many there were. */
  drain(): number {
    const count = this.#ring.drain(this.#onRecord, maxRecordsPerDrain);
    for (const [type, received] of this.#uncounted)
      this.#received.inc({ type: recordTypeNames.get(type) ?? 'unknown' }, received);
    this.#uncounted.clear();
    return count;
  }

  get backlogBytes(): number {
    return this.#ring.backlogBytes;
  }

  /** Detaches, reads what is left, and frees everything. */
  close(): void {
    this.#stopping = true;
    this.#pace.close();
    this.#waiter.close();
    this.drain();
    this.#ring.close();
    this.#lossSignal.unmap();
    this.#loaded.close();
  }

  readonly #onRecord = (view: DataView, at: number, lengthBytes: number): void => {
    this.#counts.note(view, at, lengthBytes);
    let event: KernelEvent;
    try {
      event = decodeRecord(view, at, lengthBytes);
    } catch (error) {
      this.#skip(view, at, lengthBytes, error);
      return;
    }
    const type = view.getUint32(at, true);
    this.#uncounted.set(type, (this.#uncounted.get(type) ?? 0) + 1);
    this.#options.onEvent(event);
  };

  #skip(view: DataView, at: number, lengthBytes: number, error: unknown): void {
    this.#invalid.inc();
    const hasHeader = lengthBytes >= recordHeaderBytes;
    const header = hasHeader ? readRecordHeader(view, at) : undefined;
    const type = recordTypeNames.get(header?.type ?? 0) ?? 'unknown';
    const reason = errorText(error);
    this.#decoding.failed(reason);
    this.#options.onInvalid?.({ type, cgroupId: header?.cgroupId, reason });
  }

  async #read(): Promise<void> {
    while (!this.#stopping) {
      this.#options.beforeDrain?.();
      if (this.drain() > 0 || this.#ring.backlogBytes > 0) await this.#pace.wait();
      else await this.#waiter.wait(() => this.#ring.backlogBytes > 0);
    }
  }
}

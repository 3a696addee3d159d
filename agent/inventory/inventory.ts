import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { errorText } from '../../common/errors.ts';
import type { Inventory, InventoryFile, InventoryPackage, InventoryProblem } from '../../common/inventory.ts';
import { InventoryError } from './inventory-error.ts';
import type { WorkerMessage, WorkerTask } from './worker-message.ts';

export interface ImageLayer {
  /** On this host; for images of a runtime an entry of overlayfs' lowerdir. */
  directory: string;
  /** Of the uncompressed layer (diff id); "" when it is not known. */
  digest: string;
}

export interface InventoryRequest {
  /** The lowest first: the other way round than lowerdir names them. One layer is any directory with a root file system. */
  layers: readonly ImageLayer[];
  /** How long it may take; after it the inventory is what has been found, with a problem `timeout`. */
  maxDurationMs?: number;
  /** Of one CPU. Below 1 the work is cut into slices of 5 ms with sleep between. */
  cpuShare?: number;
  /** Heap of the worker: its process ends beyond it. */
  maxHeapMib?: number;
  /** Whether it has the lowest priority for CPU and disk, and is the first to go when memory is short. */
  lowPriority?: boolean;
  /** Where given, files go here in groups as they come, in order of path, and `files` of the result stays empty. */
  onFiles?: (files: readonly InventoryFile[]) => void;
  /** Ends the work; the call rejects with its reason. */
  signal?: AbortSignal;
}

const defaults = { maxDurationMs: 300_000, cpuShare: 0.25, maxHeapMib: 512, lowPriority: true };
/** The worker ends by itself in time; one that does not is ended after this. */
const graceMs = 10_000;
/** Calls that wait for their turn. */
const maxWaiting = 64;
/** overlayfs itself allows 500. */
const maxLayers = 512;

/** Garbage is collected early: half the memory for the same time. */
const sparing = ['--max-semi-space-size=1', '--optimize-for-size'];
const program = fileURLToPath(new URL('./worker.ts', import.meta.url));

let last: Promise<unknown> = Promise.resolve();
let waiting = 0;

/**
 * What an image contains. It is read by a process of its own, because what an image makes it do (use up memory, hang in a
 * call, crash) must end nothing else; one at a time, in the order of the calls. Whatever goes wrong with the image, the worker
 * included, is a problem of the result, never an error.
 * @throws {InventoryError} `busy` when 64 calls are waiting already
 */
export async function runInventory(request: InventoryRequest): Promise<Inventory> {
  if (waiting >= maxWaiting)
    throw new InventoryError('busy', `${maxWaiting} inventories are waiting already`, { hint: 'ask again later' });
  waiting++;
  const turn = last.then(() => run(request)).finally(() => waiting--);
  last = turn.catch(() => undefined);
  return await turn;
}

async function run(request: InventoryRequest): Promise<Inventory> {
  request.signal?.throwIfAborted();
  const layers = request.layers.map(({ digest }) => digest);
  const result = { distribution: undefined, layers, packages: [], files: [], problems: [] };
  if (layers.length > maxLayers)
    return { ...result, problems: [problem('limit', `it has ${layers.length} layers, more than ${maxLayers}`)] };
  return await new WorkerRun(request, result).ended;
}

type Mutable = { -readonly [Key in keyof Inventory]: Inventory[Key] };

/** One worker from its start to its end. */
class WorkerRun {
  readonly ended: Promise<Inventory>;
  readonly #request: InventoryRequest;
  readonly #packages: InventoryPackage[] = [];
  readonly #files: InventoryFile[] = [];
  readonly #problems: InventoryProblem[] = [];
  readonly #inventory: Mutable;
  #told = false;

  constructor(request: InventoryRequest, inventory: Inventory) {
    this.#request = request;
    this.#inventory = { ...inventory, packages: this.#packages, files: this.#files, problems: this.#problems };
    this.ended = this.#run();
  }

  async #run(): Promise<Inventory> {
    const { signal } = this.#request;
    const { maxDurationMs, cpuShare, maxHeapMib, lowPriority } = { ...defaults, ...definedOf(this.#request) };
    const directories = this.#request.layers.map(({ directory }) => directory);
    const task: WorkerTask = { directories, maxDurationMs, cpuShare, lowPriority };
    const worker = fork(program, {
      execArgv: [`--max-old-space-size=${maxHeapMib}`, ...sparing],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const end = (): void => void worker.kill('SIGKILL');
    signal?.addEventListener('abort', end, { once: true });
    const timer = setTimeout(() => {
      this.#fail('timeout', 'the time for the inventory is used up, and its worker had to be ended');
      end();
    }, maxDurationMs + graceMs);
    try {
      await this.#exitOf(worker, task);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
    }
    signal?.throwIfAborted();
    return this.#inventory;
  }

  /** Resolves when all it has told has been taken. */
  #exitOf(worker: ChildProcess, task: WorkerTask): Promise<void> {
    return new Promise((resolve) => {
      worker.on('message', (message: WorkerMessage) => this.#take(message));
      worker.once('error', (error) => {
        this.#fail('unreadable', `its worker failed: ${errorText(error)}`);
        if (worker.pid === undefined) resolve();
      });
      worker.once('close', (exitCode, signal) => {
        // How the engine ends when its memory is used up, and the kernel when the machine's is.
        if (signal !== null) this.#fail('limit', `its worker was ended by ${signal}, for want of memory or by a crash`);
        this.#fail('unreadable', `its worker ended with ${exitCode} and no result`);
        resolve();
      });
      worker.send(task, (error) => error !== null && this.#fail('unreadable', errorText(error)));
    });
  }

  #take(message: WorkerMessage): void {
    if (message.kind === 'packages') this.#packages.push(...message.packages);
    else if (message.kind === 'files') this.#takeFiles(message.files);
    else if (message.kind === 'failed') this.#fail(message.problem.code, message.problem.reason);
    else {
      this.#told = true;
      this.#inventory.distribution = message.distribution;
      this.#problems.push(...message.problems);
    }
  }

  #takeFiles(files: InventoryFile[]): void {
    if (this.#request.onFiles === undefined) this.#files.push(...files);
    else this.#request.onFiles(files);
  }

  /** The first thing that went wrong counts; nothing after a result. */
  #fail(code: string, reason: string): void {
    if (this.#told) return;
    this.#told = true;
    this.#problems.push(problem(code, reason));
  }
}

function problem(code: string, reason: string): InventoryProblem {
  return { reader: 'tree', path: '/', code, reason: `${reason}: what is missing is not known` };
}

function definedOf(request: InventoryRequest): Partial<typeof defaults> {
  return Object.fromEntries(
    Object.keys(defaults)
      .map((key) => [key, request[key as keyof typeof defaults]])
      .filter(([, value]) => value !== undefined),
  );
}

import { firstEphemeralPort } from '../../common/ephemeral-port.ts';
import { isMultiCall } from '../../common/program-name.ts';
import { ByExecutable } from './by-executable.ts';
import type { EndpointSet } from './endpoint-set.ts';

/** What a baseline says of something that happened. `open`: of a program that is still being learned; `unknown`: nothing. */
export const baselineVerdicts = ['expected', 'unexpected', 'open', 'unknown'] as const;
export type BaselineVerdict = (typeof baselineVerdicts)[number];

/** `unknown`: there is none, or the collector has not told it yet. */
export const baselineStates = ['learning', 'ready', 'stale', 'incomplete', 'unknown'] as const;
export type BaselineStateName = (typeof baselineStates)[number];

export interface BaselineHead {
  /** `ready` for a frozen one, in whatever state it was frozen: it is what people want it to be. */
  state: BaselineStateName;
  version: string;
  frozen: boolean;
}

/** An execution as baselines see it. */
export interface ExecutedProgram {
  path: string;
  /** Empty: none in the container; undefined: not known. */
  parentPath: string | undefined;
  /** As common/argument-shape.ts makes it. */
  shape: string;
}

export interface Destination {
  transport: string;
  address: string;
  port: number;
  /** What DNS called the address. */
  names: readonly string[];
  /** The program may have asked for names before anybody watched. */
  namesMayBeMissing: boolean;
  /** Empty when the program is not known; here and below. */
  executablePath: string;
}

export interface ListeningPort {
  transport: string;
  /** 0: one that the kernel is yet to choose. */
  port: number;
  executablePath: string;
}

export interface UsedCapability {
  name: string;
  executablePath: string;
}

/** What a baseline can be asked. */
export interface BaselineAnswers extends BaselineHead {
  /** What is not in it is unexpected. */
  readonly isReady: boolean;
  /** By path and parent, and by the applet of a binary that is many programs. */
  executable(program: ExecutedProgram): BaselineVerdict;
  /** Of an expected executable. */
  arguments(program: ExecutedProgram): BaselineVerdict;
  destination(to: Destination): BaselineVerdict;
  listen(on: ListeningPort): BaselineVerdict;
  capability(used: UsedCapability): BaselineVerdict;
}

/** Shapes of arguments that are known; undefined for any. */
type Shapes = Set<string> | undefined;
type Ports = Map<string, EndpointSet>;

/** A baseline made ready for quick questions. Nothing changes it once it is made. */
export class CompiledBaseline implements BaselineAnswers {
  readonly state: BaselineStateName;
  readonly version: string;
  readonly frozen: boolean;
  /** Executables that are not listed are open. */
  readonly newPathsOpen: boolean;
  /** By path and parent. */
  readonly executables = new Map<string, Map<string, Shapes>>();
  readonly openPaths = new Set<string>();
  /** Endpoints by `portKey`. */
  readonly destinations = new ByExecutable<Ports>(() => new Map());
  /** `portKey`s. */
  readonly listens = new ByExecutable<Set<string>>(() => new Set());
  readonly capabilities = new ByExecutable<Set<string>>(() => new Set());
  /** Says how the container's first program is executed. */
  knowsFirstProgram = false;
  /** Lines of the message it was made of: what it costs. */
  lines = 1;

  constructor({ state, version, frozen, newPathsOpen }: BaselineHead & { newPathsOpen: boolean }) {
    this.state = state;
    this.version = version;
    this.frozen = frozen;
    this.newPathsOpen = newPathsOpen;
  }

  get isReady(): boolean {
    return this.state === 'ready';
  }

  executable(program: ExecutedProgram): BaselineVerdict {
    if (this.#shapesOf(program).some((shapes) => isSameApplet(program, shapes))) return 'expected';
    // Learned from containers whose start was not seen: it cannot know how they start.
    if (program.parentPath === '' && !this.knowsFirstProgram) return 'unknown';
    return this.#otherwise(program.path);
  }

  arguments(program: ExecutedProgram): BaselineVerdict {
    const known = this.#shapesOf(program).filter((shapes) => isSameApplet(program, shapes));
    if (known.length === 0) return 'unknown';
    const any = `${appletOf(program.shape)} *`;
    const isKnown = known.some((shapes) => shapes === undefined || shapes.has(program.shape) || shapes.has(any));
    return isKnown ? 'expected' : this.#otherwise(program.path);
  }

  destination({ transport, address, port, names, namesMayBeMissing, executablePath }: Destination): BaselineVerdict {
    const keys = [portKey(transport, port), portKey(transport, 0)];
    const isListed = (ports: Ports): boolean => keys.some((key) => ports.get(key)?.has(address, names) === true);
    if (this.destinations.some(executablePath, isListed)) return 'expected';
    // A server of datagrams answers to whatever port its client has.
    const isAnswer = (listens: ReadonlySet<string>): boolean => listens.has(servesDatagrams);
    if (transport === 'udp' && port >= firstEphemeralPort && this.listens.some(executablePath, isAnswer))
      return 'expected';
    const isByName = (ports: Ports): boolean => keys.some((key) => ports.get(key)?.hasNames === true);
    if (namesMayBeMissing && names.length === 0 && this.destinations.some(executablePath, isByName)) return 'unknown';
    return this.#otherwise(executablePath);
  }

  listen({ transport, port, executablePath }: ListeningPort): BaselineVerdict {
    const isEphemeral = port === 0 || port >= firstEphemeralPort;
    const keys = [portKey(transport, port), ...(isEphemeral ? [portKey(transport, 0)] : [])];
    const isListed = (listens: ReadonlySet<string>): boolean => keys.some((key) => listens.has(key));
    return this.listens.some(executablePath, isListed) ? 'expected' : this.#otherwise(executablePath);
  }

  capability({ name, executablePath }: UsedCapability): BaselineVerdict {
    const isListed = (names: ReadonlySet<string>): boolean => names.has(name);
    return this.capabilities.some(executablePath, isListed) ? 'expected' : this.#otherwise(executablePath);
  }

  #otherwise(executablePath: string): BaselineVerdict {
    if (!this.isReady) return 'unknown';
    const isOpen = this.openPaths.has(executablePath) || (this.newPathsOpen && !this.executables.has(executablePath));
    return isOpen ? 'open' : 'unexpected';
  }

  #shapesOf({ path, parentPath }: ExecutedProgram): Shapes[] {
    const parents = this.executables.get(path);
    if (parents === undefined) return [];
    if (parentPath === undefined) return [...parents.values()];
    return [parentPath, anyParent].filter((parent) => parents.has(parent)).map((parent) => parents.get(parent));
  }
}

export const anyParent = '*';
/** Among the keys of `listens`: it has a UDP port of its own. */
export const servesDatagrams = 'udp';

export function portKey(transport: string, port: number): string {
  return `${transport} ${port}`;
}

function isSameApplet({ path, shape }: ExecutedProgram, shapes: Shapes): boolean {
  if (shapes === undefined || !isMultiCall(path)) return true;
  const applet = appletOf(shape);
  return [...shapes].some((known) => appletOf(known) === applet);
}

function appletOf(shape: string): string {
  const space = shape.indexOf(' ');
  return space < 0 ? shape : shape.slice(0, space);
}

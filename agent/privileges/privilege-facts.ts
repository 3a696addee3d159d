import { growingLru } from '../../common/lru.ts';
import type { Observation } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { CapabilitySets, Credentials } from '../decode/kernel-event.ts';
import { originOf } from '../process/origin.ts';
import type { ProcessExecution } from '../process/process.ts';

export type PrivilegeFact = NonNullable<Observation['fact']>;

/** The state of a process at one moment. */
export interface HeldNow {
  credentials: Credentials;
  capabilities: CapabilitySets;
  userLevel: number;
}

const maxContainers = 10_000;
/** Combinations of program and ids told of one container; programs can take any number of ids. */
const maxCombinations = 128;

interface Told {
  combinations: Set<string>;
  /** Whose start has been told, seen or not. */
  started: boolean;
  more: boolean;
}

/** Capabilities that the file of a program carries; undefined where it cannot be looked at. */
export type ReadFileCapabilities = (containerId: string, execution: ProcessExecution) => bigint | undefined;

/** What programs ran with, each once: the facts of which least privilege is derived. */
export class PrivilegeFacts {
  readonly #readFileCapabilities: ReadFileCapabilities;
  readonly #told = growingLru<string, Told>(maxContainers);

  constructor(readFileCapabilities: ReadFileCapabilities) {
    this.#readFileCapabilities = readFileCapabilities;
  }

  /** A program was executed. */
  executed(containerId: string, execution: ProcessExecution, userLevel: number): PrivilegeFact[] {
    const { credentials, capabilities } = execution;
    const facts: PrivilegeFact[] = [];
    if (execution.entry === 'container-init') {
      this.#toldOf(containerId).started = true;
      // Every start, so that the last one is known too.
      facts.push(startedWith(execution, { credentials, capabilities, userLevel }, true));
    }
    return [...facts, ...this.#ranAs(containerId, execution, credentials)];
  }

  /** A process was seen in a state that no event told of: it has changed its ids, or ran before the agent. */
  sampled(containerId: string, execution: ProcessExecution, held: HeldNow): PrivilegeFact[] {
    const told = this.#toldOf(containerId);
    const facts: PrivilegeFact[] = [];
    if (!told.started && execution.entry === 'container-init') {
      told.started = true;
      facts.push(startedWith(execution, held, false));
    }
    return [...facts, ...this.#ranAs(containerId, execution, held.credentials)];
  }

  #ranAs(containerId: string, execution: ProcessExecution, { uid, gid, euid, egid }: Credentials): PrivilegeFact[] {
    const told = this.#toldOf(containerId);
    const value = {
      executablePath: execution.executable.path,
      ...{ uid, gid, effectiveUid: euid, effectiveGid: egid },
      gainedPrivileges: execution.secureExec,
      more: false,
    };
    const key = `${originOf(execution)} ${Object.values(value).join(' ')}`;
    if (told.combinations.has(key)) return [];
    if (told.combinations.size < maxCombinations) {
      told.combinations.add(key);
      return [
        { $case: 'ranAs', value: { ...value, fileCapabilities: this.#readFileCapabilities(containerId, execution) } },
      ];
    }
    if (told.more) return [];
    told.more = true;
    return [{ $case: 'ranAs', value: nothingMore }];
  }

  #toldOf(containerId: string): Told {
    const known = this.#told.get(containerId);
    if (known !== undefined) return known;
    const told = { combinations: new Set<string>(), started: false, more: false };
    this.#told.set(containerId, told);
    return told;
  }
}

const nothingMore = {
  ...{ executablePath: '', uid: 0, gid: 0, effectiveUid: 0, effectiveGid: 0 },
  ...{ gainedPrivileges: false, more: true },
};

function startedWith(
  execution: ProcessExecution,
  { credentials, capabilities, userLevel }: HeldNow,
  startSeen: boolean,
): PrivilegeFact {
  const executablePath = execution.executable.path;
  const value = { executablePath, credentials, capabilities, userNamespaceLevel: userLevel, startSeen };
  return { $case: 'startedWith', value };
}

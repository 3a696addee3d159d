import { isIP } from 'node:net';
import { firstEphemeralPort } from '../../common/ephemeral-port.ts';
import { ProcessEntry } from '../../proto/generated/tallyman/v1/process.ts';
import type { Observation } from '../../proto/generated/tallyman/v1/uplink.ts';

export const factKinds = ['executable', 'destination', 'listen', 'capability'] as const;
export type FactKind = (typeof factKinds)[number];

/** One line of a baseline; fields as in proto/tallyman/v1/baseline.proto. */
export type BaselineFact =
  | { kind: 'executable'; path: string; parentPath: string; argumentShape: string }
  | {
      kind: 'destination';
      transport: string;
      name: string;
      address: string;
      port: number;
      executablePath: string;
    }
  | { kind: 'listen'; transport: string; port: number; executablePath: string }
  | { kind: 'capability'; capabilityName: string; executablePath: string };

export const anyParent = '*';
const transports: ReadonlySet<string> = new Set(['tcp', 'udp', 'icmp', 'other']);
const maxPathLength = 1_024;
const maxTextLength = 512;

/** The program a fact is about; empty when it is not known. */
export function programOf(fact: BaselineFact): string {
  return fact.kind === 'executable' ? fact.path : fact.executablePath;
}

/** Text that is equal for equal facts only. */
export function factKeyOf(fact: BaselineFact): string {
  switch (fact.kind) {
    case 'executable':
      return JSON.stringify(['e', fact.path, fact.parentPath, fact.argumentShape]);
    case 'destination':
      return JSON.stringify(['d', fact.transport, fact.name, fact.address, fact.port, fact.executablePath]);
    case 'listen':
      return JSON.stringify(['l', fact.transport, fact.port, fact.executablePath]);
    case 'capability':
      return JSON.stringify(['c', fact.capabilityName, fact.executablePath]);
  }
}

/** False for what is too long to be kept: a baseline that leaves it out is not complete. */
export function isKeepable(fact: BaselineFact): boolean {
  if (fact.kind === 'executable') {
    const { path, parentPath, argumentShape } = fact;
    return path.length <= maxPathLength && parentPath.length <= maxPathLength && argumentShape.length <= maxTextLength;
  }
  if (fact.executablePath.length > maxPathLength) return false;
  return fact.kind !== 'destination' || fact.name.length <= maxTextLength;
}

/** What agents and files take: what one agent tells must not make a baseline unusable for the others. */
function isWellFormed(fact: BaselineFact): boolean {
  switch (fact.kind) {
    case 'executable':
      return fact.path !== '';
    case 'destination':
      return isPlace(fact) && (fact.name === '' ? isIP(fact.address) !== 0 : isName(fact.name));
    case 'listen':
      return isPlace(fact);
    case 'capability':
      return /^CAP_[A-Z0-9_]{1,40}$/.test(fact.capabilityName);
  }
}

function isPlace({ transport, port }: { transport: string; port: number }): boolean {
  return transports.has(transport) && port <= 65_535;
}

function isName(name: string): boolean {
  return /^[!-~]{1,512}$/.test(name) && !name.includes('*');
}

/** What an observation teaches. Nothing: it is of a kind that baselines do not hold, or was done by somebody from outside. */
export function factsOf(observation: Observation): BaselineFact[] {
  return toldFactsOf(observation).filter(isWellFormed);
}

function toldFactsOf({ origin, fact }: Observation): BaselineFact[] {
  // A person or a health check that was put in from outside is not what the workload does.
  if (origin === ProcessEntry.EXEC_SESSION) return [];
  switch (fact?.$case) {
    case 'executed': {
      const { executablePath: path, parentPath = anyParent, argumentShape } = fact.value;
      return [{ kind: 'executable', path, parentPath, argumentShape }];
    }
    case 'connected':
      return destinationsOf(fact.value);
    case 'listened': {
      const { transport, localPort, executablePath } = fact.value;
      return [{ kind: 'listen', transport, port: localPort >= firstEphemeralPort ? 0 : localPort, executablePath }];
    }
    case 'capabilityUsed': {
      const { capabilityName, executablePath, granted } = fact.value;
      return granted ? [{ kind: 'capability', capabilityName, executablePath }] : [];
    }
    default:
      return [];
  }
}

type Connected = Extract<NonNullable<Observation['fact']>, { $case: 'connected' }>['value'];

/** By its names where there are any: addresses behind names change. */
function destinationsOf({ transport, remoteAddress, remotePort: port, remoteNames, executablePath }: Connected) {
  const common = { kind: 'destination', transport, port, executablePath } as const;
  const names = remoteNames.filter(isName);
  if (names.length === 0) return [{ ...common, name: '', address: remoteAddress }];
  return names.map((name) => ({ ...common, name: name.toLowerCase(), address: '' }));
}

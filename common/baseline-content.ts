import { createHash } from 'node:crypto';
import type {
  BaselineCapability,
  BaselineDestination,
  BaselineExecutable,
  BaselineListen,
} from '../proto/generated/tallyman/v1/baseline.ts';

/** Lines of a baseline; an executable has one for each shape of its arguments. The message to agents stays below a MiB. */
export const maxFacts = { executable: 1_000, destination: 1_000, listen: 200, capability: 200 } as const;
export const maxContentBytes = 384 * 1024;

/** What a baseline expects. */
export interface BaselineContent {
  executables: BaselineExecutable[];
  destinations: BaselineDestination[];
  listens: BaselineListen[];
  capabilities: BaselineCapability[];
}

/** In the one order that files, versions and messages have: by code unit, so the same on every machine. */
export function sortedContent(content: BaselineContent): BaselineContent {
  return {
    executables: sorted(
      content.executables.map((one) => ({ ...one, argumentShapes: [...new Set(one.argumentShapes)].sort() })),
      ({ path, parentPath, argumentShapes }) => [path, parentPath, ...argumentShapes],
    ),
    destinations: sorted(content.destinations, ({ transport, name, address, port, executablePath }) => [
      ...[executablePath, transport, name, address],
      padded(port),
    ]),
    listens: sorted(content.listens, ({ transport, port, executablePath }) => [
      executablePath,
      transport,
      padded(port),
    ]),
    capabilities: sorted(content.capabilities, ({ capabilityName, executablePath }) => [
      executablePath,
      capabilityName,
    ]),
  };
}

/** Hash of what is expected, in whatever order: 16 hexadecimal digits. */
export function baselineVersion(content: BaselineContent): string {
  const { executables, destinations, listens, capabilities } = sortedContent(content);
  const plain = [
    executables.map(({ path, parentPath, argumentShapes }) => [path, parentPath, argumentShapes]),
    destinations.map((one) => [one.executablePath, one.transport, one.name, one.address, one.port]),
    listens.map(({ executablePath, transport, port }) => [executablePath, transport, port]),
    capabilities.map(({ executablePath, capabilityName }) => [executablePath, capabilityName]),
  ];
  return createHash('sha256').update(JSON.stringify(plain)).digest('hex').slice(0, 16);
}

function sorted<T>(list: readonly T[], keyOf: (item: T) => string[]): T[] {
  const keyed = list.map((item) => ({ item, key: JSON.stringify(keyOf(item)) }));
  keyed.sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0));
  // What is listed twice counts once.
  return keyed.filter(({ key }, index) => key !== keyed[index - 1]?.key).map(({ item }) => item);
}

function padded(port: number): string {
  return String(port).padStart(5, '0');
}

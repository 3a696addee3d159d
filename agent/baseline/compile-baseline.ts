import {
  type Baseline,
  type BaselineCapability,
  type BaselineDestination,
  type BaselineExecutable,
  type BaselineListen,
  BaselineState,
} from '../../proto/generated/tallyman/v1/baseline.ts';
import { anyParent, type BaselineStateName, CompiledBaseline, portKey, servesDatagrams } from './compiled-baseline.ts';
import { EndpointSet } from './endpoint-set.ts';

/** Lines of one baseline; the collector keeps far fewer. */
export const maxBaselineLines = 50_000;
const maxPathLength = 8_192;
const maxShapeLength = 512;

const states: Partial<Record<BaselineState, BaselineStateName>> = {
  [BaselineState.LEARNING]: 'learning',
  [BaselineState.READY]: 'ready',
  [BaselineState.STALE]: 'stale',
  [BaselineState.INCOMPLETE]: 'incomplete',
};
const transports: ReadonlySet<string> = new Set(['tcp', 'udp', 'icmp', 'other']);

/** Something of a baseline that means nothing: taken over, it would make what is expected unexpected. */
class WrongLine extends Error {}

/** A baseline as the collector tells it; one with anything wrong in it is refused as a whole, with what and where. */
export function compileBaseline(message: Baseline): CompiledBaseline | { refused: string } {
  try {
    return compile(message);
  } catch (thrown) {
    if (thrown instanceof WrongLine) return { refused: thrown.message };
    throw thrown;
  }
}

function compile(message: Baseline): CompiledBaseline {
  const state = states[message.state];
  if (state === undefined) throw new WrongLine(`state is ${message.state}, which this agent does not know`);
  const { version, frozen, newPathsOpen } = message;
  const baseline = new CompiledBaseline({ state: frozen ? 'ready' : state, version, frozen, newPathsOpen });
  baseline.lines += linesOf(message);
  if (baseline.lines > maxBaselineLines) throw new WrongLine(`it has more than ${maxBaselineLines} lines`);
  each('executables', message.executables, (line) => addExecutable(baseline, line));
  each('destinations', message.destinations, (line) => addDestination(baseline, line));
  each('listens', message.listens, (line) => addListen(baseline, line));
  each('capabilities', message.capabilities, (line) => addCapability(baseline, line));
  each('open_paths', message.openPaths, (path) => baseline.openPaths.add(checkedPath(path)));
  return baseline;
}

function linesOf({ executables, destinations, listens, capabilities, openPaths }: Baseline): number {
  const shapes = executables.reduce((sum, { argumentShapes }) => sum + argumentShapes.length, 0);
  const lists = [executables, destinations, listens, capabilities, openPaths];
  return lists.reduce((sum, { length }) => sum + length, shapes);
}

function each<T>(list: string, lines: readonly T[], add: (line: T) => void): void {
  for (const [index, line] of lines.entries()) {
    try {
      add(line);
    } catch (thrown) {
      if (!(thrown instanceof WrongLine)) throw thrown;
      throw new WrongLine(`${list}[${index}]: ${thrown.message}`);
    }
  }
}

function addExecutable(baseline: CompiledBaseline, line: BaselineExecutable): void {
  const path = checkedPath(line.path);
  const parent =
    line.parentPath === '' || line.parentPath === anyParent ? line.parentPath : checkedPath(line.parentPath);
  if (parent !== anyParent && parent === '') baseline.knowsFirstProgram = true;
  const long = line.argumentShapes.find((shape) => shape.length > maxShapeLength);
  if (long !== undefined) throw new WrongLine(`an argument shape has more than ${maxShapeLength} characters`);
  const parents = baseline.executables.get(path) ?? new Map<string, Set<string> | undefined>();
  baseline.executables.set(path, parents);
  const isAny = line.argumentShapes.length === 0 || line.argumentShapes.includes('*');
  const known = parents.get(parent);
  // Listed twice with any arguments stays any.
  if (isAny || (parents.has(parent) && known === undefined)) parents.set(parent, undefined);
  else parents.set(parent, new Set([...(known ?? []), ...line.argumentShapes]));
}

function addDestination(baseline: CompiledBaseline, line: BaselineDestination): void {
  const { name, address } = line;
  if ((name === '') === (address === '')) throw new WrongLine('it must have a name or an address, and not both');
  const ports = baseline.destinations.of(checkedExecutable(line.executablePath));
  const key = checkedPort(line);
  const endpoints = ports.get(key) ?? new EndpointSet();
  ports.set(key, endpoints);
  if (name !== '' && !endpoints.addName(name)) throw new WrongLine(`${quoted(name)} is no DNS name`);
  if (address !== '' && !endpoints.addAddress(address))
    throw new WrongLine(`${quoted(address)} is no address or network`);
}

function addListen(baseline: CompiledBaseline, line: BaselineListen): void {
  const listens = baseline.listens.of(checkedExecutable(line.executablePath));
  listens.add(checkedPort(line));
  if (line.transport === 'udp') listens.add(servesDatagrams);
}

function addCapability(baseline: CompiledBaseline, { capabilityName, executablePath }: BaselineCapability): void {
  // One that only a newer kernel knows is none of this agent's words, and does no harm.
  if (!/^CAP_[A-Z_0-9]{1,40}$/.test(capabilityName)) throw new WrongLine(`${quoted(capabilityName)} is no capability`);
  baseline.capabilities.of(checkedExecutable(executablePath)).add(capabilityName);
}

function checkedPort({ transport, port }: { transport: string; port: number }): string {
  if (!transports.has(transport)) throw new WrongLine(`${quoted(transport)} is no transport`);
  if (port > 65_535) throw new WrongLine(`${port} is no port`);
  return portKey(transport, port);
}

function checkedExecutable(path: string): string {
  return path === '' ? '' : checkedPath(path);
}

/** Paths of executables as events have them; those of memfds and cut ones do not begin with a slash. */
function checkedPath(path: string): string {
  if (path === '') throw new WrongLine('the path is empty');
  if (path.length > maxPathLength) throw new WrongLine(`the path has more than ${maxPathLength} characters`);
  return path;
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

import { baseName } from '../../../common/program-name.ts';
import { ExecutableLayer, type ProcessExecution } from '../../../proto/generated/tallyman/v1/process.ts';
import { commandLine, displayName, millisecondsOf } from './text.ts';

/** OCSF `process`: the acting execution with its ancestors nested as `parent_process`. */
export function ocsfProcess(processes: readonly ProcessExecution[]): object | undefined {
  let chain: object | undefined;
  for (const execution of processes.toReversed()) chain = oneProcess(execution, chain);
  return chain;
}

function oneProcess(execution: ProcessExecution, parent: object | undefined): object {
  const path = execution.executable?.path ?? '';
  return {
    pid: execution.pid,
    uid: execution.executionId || undefined,
    name: displayName(execution) || undefined,
    path: path || undefined,
    cmd_line: execution.argv.length > 0 ? commandLine(execution.argv) : undefined,
    created_time: millisecondsOf(execution.startUnixNs),
    terminated_time: millisecondsOf(execution.endUnixNs),
    working_directory: execution.cwd || undefined,
    namespace_pid: execution.containerPid === 0 ? undefined : execution.containerPid,
    user: execution.credentials === undefined ? undefined : { uid: String(execution.credentials.euid) },
    file: path === '' ? undefined : ocsfFile(execution),
    parent_process: parent,
  };
}

function ocsfFile(execution: ProcessExecution): object {
  const path = execution.executable?.path ?? '';
  return {
    name: baseName(path) || path,
    path,
    type_id: 8,
    type: 'Executable File',
    is_deleted: execution.executable?.unlinked,
  };
}

const layerWords: ReadonlyMap<ExecutableLayer, string> = new Map([
  [ExecutableLayer.IMAGE, 'image'],
  [ExecutableLayer.WRITABLE, 'writable'],
  [ExecutableLayer.TMPFS, 'tmpfs'],
  [ExecutableLayer.MOUNT, 'mount'],
  [ExecutableLayer.MEMFD, 'memfd'],
]);

/** Where the bytes of an executable come from, in one word. */
export function layerWord(layer: ExecutableLayer | undefined): string {
  return (layer === undefined ? undefined : layerWords.get(layer)) ?? 'unknown';
}

import { ExecutableLayer } from '../../proto/generated/tallyman/v1/process.ts';
import type { Observation } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { ExecEvent } from '../decode/kernel-event.ts';
import type { AttributedEvent } from '../detect/attributed-event.ts';
import { commandShapeOf } from '../detect/command-shape.ts';
import { executableLayers } from '../detect/evidence.ts';
import { parentPathOf } from '../process/origin.ts';
import type { ProcessExecution } from '../process/process.ts';
import { networkFactOf } from './network-facts.ts';

/** Facts that one event tells; the others are those of `agent/privileges`. */
export type Fact = Exclude<NonNullable<Observation['fact']>, { $case: PrivilegeFactKind }>;
type PrivilegeFactKind = 'startedWith' | 'ranAs' | 'writtenDirectory' | 'rootScanned';
export type FactKind = Fact['$case'];

/** The fact that an event holds; undefined where there is none. */
export function factOf(event: AttributedEvent['event'], execution: ProcessExecution | undefined): Fact | undefined {
  const executablePath = execution?.executable.path ?? '';
  switch (event.kind) {
    case 'exec':
      return { $case: 'executed', value: executedFact(event, execution) };
    case 'capability': {
      const { capabilityName, syscallName, granted, isInitialUserNamespace: initialUserNamespace } = event;
      return {
        $case: 'capabilityUsed',
        value: { capabilityName, syscallName, granted, executablePath, initialUserNamespace },
      };
    }
    case 'namespace':
      return {
        $case: 'namespaceChanged',
        value: { executablePath, changed: [...event.changed], toHost: [...event.toHost] },
      };
    case 'file': {
      const { operation, path, category } = event;
      return { $case: 'fileChanged', value: { operation, path, category, executablePath } };
    }
    case 'syscall':
    case 'integrity':
      return undefined;
    default:
      return networkFactOf(event, executablePath);
  }
}

function executedFact(event: ExecEvent, execution: ProcessExecution | undefined) {
  return {
    executablePath: event.executable.path,
    parentPath: execution === undefined ? undefined : parentPathOf(execution),
    argumentShape: commandShapeOf(event).shape,
    layer: executableLayers[event.executable.layer] ?? ExecutableLayer.UNSPECIFIED,
  };
}

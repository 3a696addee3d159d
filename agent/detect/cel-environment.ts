import { Environment } from '@marcbachmann/cel-js';
import {
  BaselineView,
  BindBaselineView,
  CapabilityBaselineView,
  ConnectBaselineView,
  ExecBaselineView,
  TcpBaselineView,
} from './baseline-view.ts';
import { ContainerView, ImageView, MountView, PostureView } from './container-view.ts';
import { CapabilityEventView, ExecEventView, NamespaceEventView, PostureEventView } from './event-view.ts';
import { ExecutableView } from './executable-view.ts';
import {
  type EventKind,
  eventKinds,
  fieldCatalog,
  fieldsOf,
  type TypeName,
  typesOfKind,
  variablesOf,
} from './field-catalog.ts';
import { FileEventView } from './file-event-view.ts';
import { IntegrityEventView } from './integrity-view.ts';
import {
  BindEventView,
  ConnectEventView,
  DnsEventView,
  FanoutEventView,
  TcpEventView,
  UnixConnectEventView,
} from './network-view.ts';
import { CapabilitySetsView, CredentialsView, PrivilegesView } from './privileges-view.ts';
import { ProcessView } from './process-view.ts';
import { registerSafeMatches } from './safe-matches.ts';
import { StdioSocketView } from './stdio-socket-view.ts';
import { SyscallEventView } from './syscall-event-view.ts';

const viewClasses: Record<TypeName, new (...parameters: never[]) => object> = {
  Credentials: CredentialsView,
  CapabilitySets: CapabilitySetsView,
  Executable: ExecutableView,
  Privileges: PrivilegesView,
  StdioSocket: StdioSocketView,
  Process: ProcessView,
  Mount: MountView,
  Posture: PostureView,
  Image: ImageView,
  Container: ContainerView,
  Baseline: BaselineView,
  ExecBaseline: ExecBaselineView,
  CapabilityBaseline: CapabilityBaselineView,
  ConnectBaseline: ConnectBaselineView,
  TcpBaseline: TcpBaselineView,
  BindBaseline: BindBaselineView,
  ExecEvent: ExecEventView,
  CapabilityEvent: CapabilityEventView,
  NamespaceEvent: NamespaceEventView,
  SyscallEvent: SyscallEventView,
  ConnectEvent: ConnectEventView,
  TcpEvent: TcpEventView,
  FileEvent: FileEventView,
  IntegrityEvent: IntegrityEventView,
  BindEvent: BindEventView,
  FanoutEvent: FanoutEventView,
  DnsEvent: DnsEventView,
  UnixConnectEvent: UnixConnectEventView,
  PostureEvent: PostureEventView,
};

/** Bounds on one expression: far above what a rule needs, far below what could hurt. */
const limits = { maxAstNodes: 2_000, maxDepth: 32, maxListElements: 512, maxMapEntries: 64, maxCallArguments: 16 };

/**
 * The typed CEL environment of an event kind: a field or variable that does not exist for it is an error when the rule is
 * loaded. Integers of rules are CEL ints; every integer field is one.
 */
export function createCelEnvironment(kind: EventKind): Environment {
  const environment = new Environment({ limits, enableOptionalTypes: false });
  const own = typesOfKind(kind);
  const foreign = new Set(eventKinds.flatMap(typesOfKind).filter((type) => !own.includes(type)));
  for (const name of Object.keys(fieldCatalog) as TypeName[]) {
    if (foreign.has(name)) continue;
    const fields = Object.fromEntries(Object.entries(fieldsOf(name) ?? {}).map(([field, info]) => [field, info.type]));
    environment.registerType(name, { ctor: viewClasses[name], fields });
  }
  for (const [name, type] of Object.entries(variablesOf(kind))) environment.registerVariable(name, type);
  registerSafeMatches(environment);
  return environment;
}

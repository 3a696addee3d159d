import { capabilityNamesOf } from '../../common/capabilities.ts';
import { baseName } from '../../common/program-name.ts';
import { type PrivilegeChange, privilegeChangeOf } from '../process/privilege-change.ts';
import type { ProcessEntry, ProcessExecution } from '../process/process.ts';
import { ancestorsOf } from './ancestors.ts';
import { ExecutableView } from './executable-view.ts';
import { present } from './present.ts';
import { CapabilitySetsView, CredentialsView, PrivilegesView } from './privileges-view.ts';
import { isFromEntrypoint, packageManagerOf } from './process-origin.ts';
import { type Program, resolveProgram } from './program.ts';
import { noSentenceFacts, type SentenceFacts } from './sentence-facts.ts';
import { lineageOf, startedByOf, userOf, whoOf } from './sentences.ts';
import { type SessionKind, sessionKindOf } from './session-kind.ts';
import { StdioSocketView } from './stdio-socket-view.ts';
import { hasInlineCode, isUtility } from './utilities.ts';

/** Names of open files instead of files: what fexecve(3) gives, and the same by hand. */
const descriptorPath = /^\/(?:dev|proc\/(?:self|thread-self|\d+)(?:\/task\/\d+)?)\/fd\/\d+/;

/**
 * What a rule sees of an execution. Everything is computed when it is read: most events are decided by one or two fields.
 * Integers are bigint because CEL's int is 64 bits wide. `undefined` means absent: not known. What is known to be none is
 * empty, so that a rule may say "not this" of it.
 */
export class ProcessView {
  readonly #execution: ProcessExecution;
  readonly #facts: SentenceFacts;
  /** The command of the container's health check. */
  readonly #healthCheck: readonly string[];
  #program: Program | undefined;
  #executable: ExecutableView | undefined;
  #commandLine: string | undefined;
  #packageManager: string | undefined;
  #fromEntrypoint: boolean | undefined;
  #ancestors: ProcessView[] | undefined;

  constructor(
    execution: ProcessExecution,
    facts: SentenceFacts = noSentenceFacts,
    healthCheck: readonly string[] = [],
  ) {
    this.#execution = execution;
    this.#facts = facts;
    this.#healthCheck = healthCheck;
  }

  get pid(): bigint {
    return BigInt(this.#execution.pid);
  }
  get containerPid(): bigint | undefined {
    return this.#execution.containerPid === 0 ? undefined : BigInt(this.#execution.containerPid);
  }
  get identity(): string {
    return `${this.#execution.pid}:${this.#execution.startKtimeNs}`;
  }
  get comm(): string {
    return this.#execution.comm;
  }
  get executable(): ExecutableView {
    this.#executable ??= new ExecutableView(this.#execution, this.#facts);
    return this.#executable;
  }
  get program(): string | undefined {
    return present(this.#resolved.name);
  }
  get isShell(): boolean {
    return this.#resolved.isShell;
  }
  get isInterpreter(): boolean {
    return this.#resolved.isInterpreter;
  }
  get isUtility(): boolean {
    return isUtility(this.#resolved);
  }
  get inlineCode(): boolean {
    return hasInlineCode(this.#resolved, this.#execution);
  }
  get script(): string {
    return this.#resolved.script;
  }
  get scriptName(): string {
    return baseName(this.#resolved.script);
  }
  get filename(): string | undefined {
    return present(this.#execution.filename);
  }
  get interpreter(): string {
    return this.#execution.interpreter;
  }
  get byDescriptor(): boolean {
    return descriptorPath.test(this.#execution.filename);
  }
  get argv(): readonly string[] {
    return this.#execution.argv;
  }
  get argvTruncated(): boolean {
    return this.#execution.argvTruncated;
  }
  get commandLine(): string {
    this.#commandLine ??= this.#execution.argv.join(' ');
    return this.#commandLine;
  }
  get cwd(): string | undefined {
    return present(this.#execution.cwd);
  }
  get credentials(): CredentialsView {
    return new CredentialsView(this.#execution.credentials);
  }
  get capabilities(): CapabilitySetsView {
    return new CapabilitySetsView(this.#execution.capabilities);
  }
  get before(): PrivilegesView | undefined {
    return this.#execution.before && new PrivilegesView(this.#execution.before);
  }
  get capabilitiesGained(): string[] | undefined {
    return this.#change && capabilityNamesOf(this.#change.gained);
  }
  get capabilitiesLost(): string[] | undefined {
    return this.#change && capabilityNamesOf(this.#change.lost);
  }
  get setuidTookEffect(): boolean | undefined {
    return this.#change?.setuidTookEffect;
  }
  get setgidTookEffect(): boolean | undefined {
    return this.#change?.setgidTookEffect;
  }
  get fileCapabilitiesTookEffect(): boolean | undefined {
    return this.#change?.fileCapabilitiesTookEffect;
  }
  get stdioSockets(): StdioSocketView[] {
    return this.#execution.stdioSockets.map((socket) => new StdioSocketView(socket));
  }
  get hasTty(): boolean {
    return this.#execution.hasTty;
  }
  get tty(): string {
    return this.#execution.tty;
  }
  get sessionId(): bigint | undefined {
    return this.#execution.sessionId === 0 ? undefined : BigInt(this.#execution.sessionId);
  }
  get loginUid(): bigint | undefined {
    return this.#execution.loginUid === undefined ? undefined : BigInt(this.#execution.loginUid);
  }
  get secureExec(): boolean {
    return this.#execution.secureExec;
  }
  get entry(): ProcessEntry {
    return this.#execution.entry;
  }
  get inSession(): boolean {
    return this.entry === 'exec-session' || this.ancestors.some(({ entry }) => entry === 'exec-session');
  }
  get packageManager(): string {
    this.#packageManager ??= packageManagerOf(this.#execution, ancestorsOf(this.#execution));
    return this.#packageManager;
  }
  get fromEntrypoint(): boolean {
    this.#fromEntrypoint ??= isFromEntrypoint(this.#execution, ancestorsOf(this.#execution));
    return this.#fromEntrypoint;
  }
  get inPlaceOfParent(): boolean {
    return this.parent?.identity === this.identity;
  }
  get sessionKind(): SessionKind {
    return sessionKindOf(this.#execution, this.#healthCheck);
  }
  get observed(): boolean {
    return this.#execution.observed;
  }
  get parent(): ProcessView | undefined {
    return this.ancestors[0];
  }
  get ancestors(): ProcessView[] {
    this.#ancestors ??= ancestorsOf(this.#execution).map(
      (ancestor) => new ProcessView(ancestor, this.#facts, this.#healthCheck),
    );
    return this.#ancestors;
  }
  get user(): string {
    return userOf(this.#execution, this.#facts);
  }
  get who(): string {
    return whoOf(this.#execution, this.#facts);
  }
  get startedBy(): string {
    return startedByOf(this.#execution, this.#facts, this.sessionKind);
  }
  get lineage(): string {
    return lineageOf(this.#execution);
  }
  /** For evidence, in lists: "nginx (www-data)". */
  toString(): string {
    return this.who;
  }

  get #change(): PrivilegeChange | undefined {
    return privilegeChangeOf(this.#execution);
  }

  get #resolved(): Program {
    this.#program ??= resolveProgram(this.#execution);
    return this.#program;
  }
}

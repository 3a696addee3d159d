import { closeSync, openSync } from 'node:fs';
import { CodedError } from '../../common/errors.ts';
import { type Btf, BtfKind } from '../decode/btf.ts';
import { type Constant, findMap, openObject, type SharedVariable, setConstants, shareVariable } from './bpf-object.ts';
import { type Hook, type HookState, type HookVariant, type HookWay, hooks, passedOver } from './hooks.ts';
import type { Handle, Libbpf } from './libbpf.ts';

/** Programs that user space runs itself. */
const unattachedPrograms = ['introduce_self'];

export interface LoadOptions {
  objectPath: string;
  btf: Btf;
  /** Directory of the cgroup v2 root; undefined where there is none. */
  cgroupRoot: string | undefined;
  constants: readonly Constant[];
  ringBytes: number;
  /** Attach the hooks that are only used when they are asked for. */
  syscallPack?: boolean;
  /** Hook name → the attach point it must take, for tests of variants that this kernel would not choose by itself. */
  hookVariants?: Readonly<Record<string, string>>;
}

/** A loaded object whose programs are attached. */
export interface LoadedSensor {
  states: HookState[];
  mapFd(name: string): number;
  variable(name: string): SharedVariable;
  /** Loaded programs, by name; those that are loaded and not attached included. */
  programFd(name: string): number;
  /** Descriptor of an attached hook's link; undefined while it is not attached. */
  linkFd(hook: string): number | undefined;
  /** Attaches what is loaded; maps can be filled before. */
  attach(): void;
  close(): void;
}

/** A hook and those of its variants that this kernel may take, best first. */
interface Choice {
  hook: Hook;
  state: HookState;
  candidates: HookVariant[];
}

/**
 * Loads the object with every variant of each hook that this kernel takes; attaching then uses the first that can be
 * attached. The reason for every variant that was passed over is kept.
 * @throws {CodedError} SENSOR_UNAVAILABLE when a required hook cannot be loaded; HOOK_UNKNOWN when `hookVariants` names
 * what does not exist.
 */
export function loadSensor(libbpf: Libbpf, options: LoadOptions): LoadedSensor {
  checkHookVariants(options.hookVariants ?? {});
  const kernel = kernelTypes(libbpf);
  const wanted = hooks.filter((hook) => hook.optIn === undefined || options.syscallPack === true);
  const choices = wanted.map((hook): Choice => {
    const state = initialState(hook);
    return {
      hook,
      state,
      candidates: hook.variants
        .filter((variant) => isWanted(variant, state, options.hookVariants?.[hook.name]))
        .filter((variant) => isOffered(variant, state, kernel, options.cgroupRoot)),
    };
  });
  let object = tryLoad(libbpf, options, choices);
  if (object === undefined) {
    for (const choice of choices)
      choice.candidates = choice.candidates.filter((variant) => loadsAlone(libbpf, options, choice, variant));
    object = tryLoad(libbpf, options, choices);
  }
  const missing = choices.find((choice) => choice.hook.required && choice.candidates.length === 0);
  if (object === undefined || missing !== undefined) {
    const reason =
      missing === undefined
        ? 'the programs load one by one but not together'
        : `hook ${missing.hook.name} has no way to attach`;
    const messages = libbpf.takeMessages();
    if (object !== undefined) libbpf.close(object);
    throw unavailable(choices, reason, messages);
  }
  return attachable(libbpf, object, choices, options);
}

function initialState(hook: Hook): HookState {
  const ways = hook.variants.map(
    ({ attachPoint, trade }): HookWay => ({ attachPoint, state: 'spare', reason: '', ...(trade && { trade }) }),
  );
  return { name: hook.name, attachPoint: undefined, ways, consequence: hook.consequence };
}

function note(state: HookState, variant: HookVariant, why: HookWay['state'], reason: string): false {
  const way = state.ways.find(({ attachPoint }) => attachPoint === variant.attachPoint);
  if (way !== undefined) Object.assign(way, { state: why, reason });
  return false;
}

type KernelTypes = (kind: 'typedef' | 'function', name: string) => boolean;

function kernelTypes(libbpf: Libbpf): KernelTypes {
  const btf = libbpf.loadVmlinuxBtf();
  if (btf === null)
    throw new CodedError('SENSOR_UNAVAILABLE', 'this kernel has no BTF (/sys/kernel/btf/vmlinux)', {
      hint: 'use a kernel built with CONFIG_DEBUG_INFO_BTF=y; all Debian kernels since 5.10 are',
    });
  const found = new Set<string>();
  for (const { requires } of hooks.flatMap((hook) => hook.variants)) {
    if (requires === undefined) continue;
    const kind = requires.kind === 'typedef' ? BtfKind.typedef : BtfKind.function;
    if (libbpf.findBtfByKind(btf, requires.name, kind) >= 0) found.add(`${requires.kind}:${requires.name}`);
  }
  libbpf.freeBtf(btf);
  libbpf.takeMessages();
  return (kind, name) => found.has(`${kind}:${name}`);
}

function checkHookVariants(hookVariants: Readonly<Record<string, string>>): void {
  for (const [name, attachPoint] of Object.entries(hookVariants)) {
    const known = hooks.find((hook) => hook.name === name)?.variants.map((variant) => variant.attachPoint) ?? [];
    if (!known.includes(attachPoint))
      throw new CodedError('HOOK_UNKNOWN', `hook ${name} cannot be attached to ${attachPoint}`, {
        hint: known.length > 0 ? `it can be attached to ${known.join(', ')}` : 'there is no hook of that name',
      });
  }
}

function isWanted(variant: HookVariant, state: HookState, wanted: string | undefined): boolean {
  if (wanted === undefined || variant.attachPoint === wanted) return true;
  return note(state, variant, 'unwanted', `${wanted} was asked for`);
}

function isOffered(
  variant: HookVariant,
  state: HookState,
  kernel: KernelTypes,
  cgroupRoot: string | undefined,
): boolean {
  if (variant.requires !== undefined && !kernel(variant.requires.kind, variant.requires.name)) {
    const since = variant.since === undefined ? '' : `: Linux ${variant.since} and later do`;
    return note(state, variant, 'missing', `this kernel does not have it${since}`);
  }
  if (variant.cgroup === true && cgroupRoot === undefined)
    return note(state, variant, 'missing', 'no cgroup v2 hierarchy is mounted');
  return true;
}

function programsOf(variant: HookVariant): string[] {
  return [variant.program, ...(variant.also ?? [])];
}

const attachTypes: ReadonlyMap<string, number> = new Map(
  hooks
    .flatMap((hook) => hook.variants)
    .flatMap(({ program, attachType }) => (attachType === undefined ? [] : [[program, attachType]])),
);

function prepare(libbpf: Libbpf, options: LoadOptions, programs: ReadonlySet<string>): Handle {
  const object = openObject(libbpf, options.objectPath);
  setConstants(libbpf, object, options.btf, options.constants);
  libbpf.setMaxEntries(findMap(libbpf, object, 'records'), options.ringBytes);
  for (
    let program = libbpf.nextProgram(object, null);
    program !== null;
    program = libbpf.nextProgram(object, program)
  ) {
    const name = libbpf.programName(program);
    libbpf.setAutoload(program, programs.has(name));
    const attachType = attachTypes.get(name);
    if (attachType !== undefined) libbpf.setExpectedAttachType(program, attachType);
  }
  return object;
}

function tryLoad(libbpf: Libbpf, options: LoadOptions, choices: readonly Choice[]): Handle | undefined {
  const programs = new Set(choices.flatMap((choice) => choice.candidates.flatMap(programsOf)));
  for (const program of unattachedPrograms) programs.add(program);
  const object = prepare(libbpf, options, programs);
  if (libbpf.load(object) === 0) return object;
  libbpf.close(object);
  return undefined;
}

function loadsAlone(libbpf: Libbpf, options: LoadOptions, choice: Choice, variant: HookVariant): boolean {
  libbpf.takeMessages();
  const object = prepare(libbpf, options, new Set(programsOf(variant)));
  const error = libbpf.load(object);
  libbpf.close(object);
  if (error === 0) return true;
  return note(choice.state, variant, 'refused', `does not load: ${loadReason(libbpf.takeMessages(), error)}`);
}

/**
 * The first message names the program and the cause; those behind it only say that the rest failed as well. Where the
 * verifier refused the program, the line before its statistics says why.
 */
function loadReason(messages: readonly string[], error: number): string {
  const first = (messages[0] ?? `error ${-error}`).replace(/^libbpf: /, '').split('\n')[0] ?? '';
  const verdict = messages.map((message) => /\n([^\n]+)\nprocessed \d+ insns/.exec(message)?.[1]).find(Boolean);
  return verdict === undefined ? first : `${first}: ${verdict}`;
}

function unavailable(choices: readonly Choice[], reason: string, messages: readonly string[]): CodedError {
  const details = [...choices.flatMap((choice) => passedOver(choice.state)), ...messages.slice(0, 3)];
  const hint = 'run `tallyman doctor` for what this host allows';
  // libbpf tries a program of two instructions first: when that is refused, no hook is to blame.
  const refused = details.find((detail) => detail.includes('probe_loading'));
  if (refused !== undefined) {
    const cause = /\(\):\s*([^(]+)\(\d+\)/.exec(refused)?.[1] ?? 'refused by the kernel';
    return new CodedError('SENSOR_NOT_PERMITTED', `this process may not load BPF programs: ${cause}`, { hint });
  }
  const text = [reason, ...new Set(details)].join('; ');
  return new CodedError('SENSOR_UNAVAILABLE', `the BPF programs cannot be loaded: ${text}`, { hint });
}

function attachable(libbpf: Libbpf, object: Handle, choices: readonly Choice[], options: LoadOptions): LoadedSensor {
  const links = new Map<string, Handle[]>();
  return {
    states: choices.map((choice) => choice.state),
    variable: (name) => shareVariable(libbpf, object, options.btf, name),
    programFd: (name) => libbpf.programFd(libbpf.findProgram(object, name)),
    mapFd: (name) => libbpf.mapFd(findMap(libbpf, object, name)),
    linkFd: (hook) => {
      const link = links.get(hook)?.[0];
      return link === undefined ? undefined : libbpf.linkFd(link);
    },
    attach: () => {
      for (const choice of choices) {
        const attached = attachHook(libbpf, object, choice, options.cgroupRoot);
        if (attached !== undefined) links.set(choice.hook.name, attached);
      }
    },
    close: () => {
      for (const link of [...links.values()].flat().reverse()) libbpf.destroyLink(link);
      links.clear();
      libbpf.close(object);
    },
  };
}

/** The links of the first variant that attaches; undefined when the hook is optional and nothing does. */
function attachHook(
  libbpf: Libbpf,
  object: Handle,
  choice: Choice,
  cgroupRoot: string | undefined,
): Handle[] | undefined {
  for (const variant of choice.candidates) {
    libbpf.takeMessages();
    const links = attachVariant(libbpf, object, variant, cgroupRoot);
    if (links !== undefined) {
      note(choice.state, variant, 'used', '');
      choice.state.attachPoint = variant.attachPoint;
      choice.state.program = variant.program;
      return links;
    }
    const reason = loadReason(libbpf.takeMessages(), libbpf.errno());
    note(choice.state, variant, 'refused', `cannot be attached: ${reason}`);
  }
  if (choice.hook.required) throw unavailable([choice], `hook ${choice.hook.name} loads but cannot be attached`, []);
  return undefined;
}

/** All of its programs, or none. */
function attachVariant(
  libbpf: Libbpf,
  object: Handle,
  variant: HookVariant,
  cgroupRoot: string | undefined,
): Handle[] | undefined {
  const links: Handle[] = [];
  for (const name of programsOf(variant)) {
    const program = libbpf.findProgram(object, name);
    const inCgroup = variant.cgroup === true && cgroupRoot !== undefined;
    const link = inCgroup ? attachToCgroup(libbpf, program, cgroupRoot) : libbpf.attach(program);
    if (link === null) {
      for (const attached of links) libbpf.destroyLink(attached);
      return undefined;
    }
    links.push(link);
  }
  return links;
}

function attachToCgroup(libbpf: Libbpf, program: Handle, cgroupRoot: string): Handle {
  const fd = openSync(cgroupRoot, 'r');
  try {
    return libbpf.attachCgroup(program, fd);
  } finally {
    closeSync(fd);
  }
}

import { programName } from '../../common/program-name.ts';

/**
 * Which program an execution is, from what the kernel says of it: the executable's resolved path, and for multi-call
 * binaries the argv[0] they themselves choose the applet by. `comm` is never used: a process names itself with it.
 */
export interface Program {
  /** Base name of the executable; the applet's name for busybox and toybox; "memfd:name" for a memfd. */
  name: string;
  isShell: boolean;
  isInterpreter: boolean;
  /** Path of the script that a shell or interpreter runs as its program; empty when there is none. */
  script: string;
}

export interface ProgramFacts {
  executable: { path: string };
  filename: string;
  argv: readonly string[];
}

/** Shells by name. */
export const shells: ReadonlySet<string> = new Set([
  'ash',
  'bash',
  'bash-static',
  'csh',
  'dash',
  'fish',
  'hush',
  'ksh',
  'ksh93',
  'mksh',
  'rbash',
  'sh',
  'static-sh',
  'tcsh',
  'yash',
  'zsh',
]);

/** Interpreters by name, without the version at its end (python3.11 is python). */
export const interpreters: ReadonlySet<string> = new Set([
  'awk',
  'bun',
  'deno',
  'gawk',
  'jruby',
  'lua',
  'luajit',
  'mawk',
  'node',
  'nodejs',
  'perl',
  'php',
  'php-cli',
  'pwsh',
  'pypy',
  'python',
  'qjs',
  'ruby',
  'tclsh',
]);

/** Asked by many rules of one execution, and of its ancestors by those of each child. */
const resolved = new WeakMap<ProgramFacts, Program>();

/** The facts must not change any more. */
export function resolveProgram(facts: ProgramFacts): Program {
  let program = resolved.get(facts);
  if (program === undefined) {
    program = programOf(facts);
    resolved.set(facts, program);
  }
  return program;
}

function programOf(facts: ProgramFacts): Program {
  const { name, argumentsFrom } = programName(facts.executable.path, facts.argv);
  const isShell = shells.has(name);
  const isInterpreter = !isShell && interpreters.has(withoutVersion(name));
  const script = isShell || isInterpreter ? scriptOf(facts, argumentsFrom) : '';
  return { name, isShell, isInterpreter, script };
}

function withoutVersion(name: string): string {
  let end = name.length;
  while (end > 0) {
    const code = name.charCodeAt(end - 1);
    if (code !== 46 && (code < 48 || code > 57)) break;
    end--;
  }
  return end === 0 || end === name.length ? name : name.slice(0, name[end - 1] === '-' ? end - 1 : end);
}

/**
 * For "#!" scripts the kernel puts the script's path, as it was given to execve(2), behind the interpreter and its one
 * optional argument; otherwise it is the first argument, if that is no option.
 */
function scriptOf(facts: ProgramFacts, argumentsFrom: number): string {
  const { argv, filename } = facts;
  const first = argv[argumentsFrom];
  if (first === undefined) return '';
  if (filename !== '' && (filename === first || filename === argv[argumentsFrom + 1])) return filename;
  return first.startsWith('-') ? '' : first;
}

import type { ProcessExecution } from '../process/process.ts';
import { resolveProgram } from './program.ts';

/** Programs that change what is installed. Only those of the image count: an attacker may name his own like them. */
const packageManagers: ReadonlySet<string> = new Set([
  'apk',
  'apt',
  'apt-get',
  'aptitude',
  'dnf5',
  'dpkg',
  'dpkg-deb',
  'dpkg-divert',
  'dpkg-statoverride',
  'microdnf',
  'opkg',
  'pacman',
  'rpm',
  'tdnf',
  'update-alternatives',
  'zypper',
]);

/** Programs that copy, change or move files as their arguments say, and do nothing by themselves. */
const fileTools: ReadonlySet<string> = new Set(
  'awk cat chgrp chmod chown chpasswd cp crontab cut dd echo env envsubst find gawk grep head install ln mawk mkdir mktemp mv printf rm sed sort tail tar tee touch tr truncate xargs'.split(
    ' ',
  ),
);

/** `-c`, also together with others: `-ec`. */
const commandOption = /^-[a-z]*c$/;

/** Programs that are made to be a container's first process, and only start and reap others. */
const inits: ReadonlySet<string> = new Set(['catatonit', 'docker-init', 'dumb-init', 'tini', 'tini-static']);

/**
 * The package manager of the image that this execution is, or that started it directly or not (installation scripts);
 * empty when there is none. Those that are scripts (dnf, yum) are not recognised: nothing says which layer a script is of.
 */
export function packageManagerOf(execution: ProcessExecution, ancestors: readonly ProcessExecution[]): string {
  return [execution, ...ancestors].map(managerName).find((name) => name !== '') ?? '';
}

function managerName(execution: ProcessExecution): string {
  if (execution.executable.layer !== 'image') return '';
  const { name } = resolveProgram(execution);
  return packageManagers.has(name) ? name : '';
}

/**
 * What an image does to set itself up: its first program, where that is a shell with a script or command, and the shells and
 * tools for files that it starts. From them up to the container's first program there is nothing but such shells. What a
 * server starts is none of it, nor what is typed at a terminal or comes through a pipe.
 */
export function isFromEntrypoint(execution: ProcessExecution, ancestors: readonly ProcessExecution[]): boolean {
  if (execution.hasTty || execution.executable.layer !== 'image') return false;
  const { name } = resolveProgram(execution);
  const isShell = isShellOfImage(execution);
  if (!isShell && !fileTools.has(name)) return false;
  const first = ancestors.at(-1) ?? execution;
  if (first.entry !== 'container-init') return false;
  const shells = ancestors.every((each) => isShellOfImage(each) || (each === first && isInit(each)));
  return shells && (isShell || ancestors.some(isShellOfImage));
}

/** With its commands in a script or an argument: what comes through standard input is not the image's. */
function isShellOfImage(execution: ProcessExecution): boolean {
  const { isShell, script } = resolveProgram(execution);
  const isTold = script !== '' || execution.argv.slice(1).some((argument) => commandOption.test(argument));
  return execution.executable.layer === 'image' && isShell && isTold;
}

/** Docker brings its own from the node (`--init`). */
function isInit({ executable, argv, filename }: ProcessExecution): boolean {
  const { name } = resolveProgram({ executable, argv, filename });
  return inits.has(name) && (executable.layer === 'image' || executable.layer === 'mount');
}

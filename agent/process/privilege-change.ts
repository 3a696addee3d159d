import type { ProcessExecution } from './process.ts';

/** What executing a program did to the privileges of its process. */
export interface PrivilegeChange {
  /** Permitted capabilities it has and did not have before; bit n is capability number n. */
  gained: bigint;
  lost: bigint;
  /** The effective user id changed: the setuid bit of the executable took effect. */
  setuidTookEffect: boolean;
  setgidTookEffect: boolean;
  /** Capabilities of the executable file were granted; undefined where that cannot be told from other causes. */
  fileCapabilitiesTookEffect: boolean | undefined;
}

/** Undefined when it is not known what the process might before. */
export function privilegeChangeOf(execution: ProcessExecution): PrivilegeChange | undefined {
  const { before, credentials, capabilities } = execution;
  if (before === undefined) return undefined;
  const gained = capabilities.permitted & ~before.capabilities.permitted;
  const setuidTookEffect = credentials.euid !== before.credentials.euid;
  return {
    gained,
    lost: before.capabilities.permitted & ~capabilities.permitted,
    setuidTookEffect,
    setgidTookEffect: credentials.egid !== before.credentials.egid,
    fileCapabilitiesTookEffect: fileCapabilitiesTookEffect(execution, gained, setuidTookEffect),
  };
}

/**
 * Root gets all capabilities back by executing anything, which is no doing of the file: the kernel calls an execution
 * secure only where a real user other than root gained something.
 * @see https://man7.org/linux/man-pages/man7/capabilities.7.html
 */
function fileCapabilitiesTookEffect(
  execution: ProcessExecution,
  gained: bigint,
  setuidTookEffect: boolean,
): boolean | undefined {
  if (gained === 0n || !execution.secureExec || execution.credentials.euid === 0) return false;
  // A user that is root in a user namespace of its own looks like any other one here.
  return setuidTookEffect ? undefined : true;
}

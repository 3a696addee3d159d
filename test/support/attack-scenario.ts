import type { AttackContainer } from './attack-container.ts';
import type { RunOptions } from './docker.ts';

/** Commands for the container's shell, or steps of which some come from outside, as `docker exec` does. */
export type Steps = string | ((container: AttackContainer) => Promise<unknown>);

/**
 * What somebody does in a container that a rule must report, and what looks like it and must not be reported by that rule.
 * The rule is the one the file is named after.
 *
 * Every command has to succeed (the shell runs with `set -e`): an attack or a near-miss that did nothing would show nothing.
 */
export interface Scenario {
  /** How the container is started; by default it has no network but loopback, and Docker's default privileges. */
  container?: ContainerOptions;
  attack: Steps;
  nearMiss: Steps;
  /** Where the near-miss is how a container is started: its own. Else it is done first, in the container of the attack. */
  nearMissContainer?: ContainerOptions;
  /** What the finding's sentence says. */
  summary?: RegExp;
}

export interface ContainerOptions extends Partial<Omit<RunOptions, 'command' | 'image' | 'openStdin'>> {
  /** It is created and never started: for what this machine may refuse to start. */
  createOnly?: boolean;
  /** The shell is the container's first program, as in an entrypoint. Else a server is, which has started the shell. */
  asEntrypoint?: boolean;
}

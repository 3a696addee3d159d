import type { Scenario } from '../../support/attack-scenario.ts';

/** A key is added to those that may log in; a host that is known now is noted. */
export const scenario: Scenario = {
  nearMiss: 'echo host ssh-ed25519 AAAA >>/root/.ssh/known_hosts',
  attack: 'echo ssh-ed25519 AAAA >>/root/.ssh/authorized_keys',
  summary: /sh \(.+\) changed \/root\/\.ssh\/authorized_keys/,
};

import type { Scenario } from '../../support/attack-scenario.ts';

/** A log is emptied; a program appends to it and starts a new one. */
export const scenario: Scenario = {
  nearMiss: `
    echo sshd: accepted >>/var/log/auth.log
    echo started >/var/log/app.log`,
  attack: ': >/var/log/auth.log',
  summary: /\/var\/log\/auth\.log \(truncate\)/,
};

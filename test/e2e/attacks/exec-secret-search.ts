import type { Scenario } from '../../support/attack-scenario.ts';

/** Private keys are looked for all over; old files are looked for as well. */
export const scenario: Scenario = {
  nearMiss: `
    /bin/find /var/log -name '*.gz'
    /bin/grep -q app /etc/passwd || true`,
  attack: "/bin/find /root -name 'id_ed25519*'",
  summary: /find searched for keys or passwords: \/bin\/find \/root -name id_ed25519\*/,
};

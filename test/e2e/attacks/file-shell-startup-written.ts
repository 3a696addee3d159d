import type { Scenario } from '../../support/attack-scenario.ts';

/** A command is planted for whoever opens a shell next; a shell reads the file, and a file beside it is written. */
export const scenario: Scenario = {
  nearMiss: `
    . /root/.bashrc
    echo syntax on >/root/.vimrc`,
  attack: 'echo /tmp/.x >>/root/.bashrc',
  summary: /sh \(.+\) changed \/root\/\.bashrc/,
};

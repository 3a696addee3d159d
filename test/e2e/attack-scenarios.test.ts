import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AttackLab } from '../support/attack-lab.ts';
import type { Scenario } from '../support/attack-scenario.ts';

const folder = join(import.meta.dirname, 'attacks');
const files = readdirSync(folder).filter((file) => file.endsWith('.ts'));

let lab: AttackLab;

beforeAll(async () => {
  lab = await AttackLab.open();
});

afterAll(() => lab?.close());

describe.concurrent('an attack is reported, and what looks like it is not:', () => {
  it.each(files.map((file) => [basename(file, '.ts'), join(folder, file)]))('%s', async (rule, file) => {
    const { scenario } = (await import(file)) as { scenario: Scenario };
    const finding = await lab.play(rule, scenario);
    expect(finding.summary).toMatch(scenario.summary ?? /./);
  });
});

import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const namesIn = (folder: string, ending: string): string[] =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith(ending))
    .map((file) => basename(file, ending));

const rules = namesIn('agent/rules', '.yaml');
const scenarios = namesIn('test/e2e/attacks', '.ts');
const without = rules.filter((rule) => !scenarios.includes(rule));

/** Only ever raised. */
const atLeast = 110;

describe('real scenarios in test/e2e/attacks', () => {
  it('are named after rules', () => {
    expect(scenarios.filter((scenario) => !rules.includes(scenario))).toEqual([]);
  });

  it(`show ${scenarios.length} of ${rules.length} rules; not: ${without.join(', ')}`, () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(atLeast);
  });
});

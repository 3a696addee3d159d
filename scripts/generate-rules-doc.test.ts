import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCelEnvironment } from '../agent/detect/cel-environment.ts';
import { eventKinds, fieldCatalog, fieldsOf, variablesOf } from '../agent/detect/field-catalog.ts';
import { parseRuleText } from '../agent/detect/rule-loader.ts';
import { testRule } from '../agent/detect/rule-test.ts';
import { renderDocuments } from './generate-rules-doc.ts';

const root = path.join(import.meta.dirname, '..');

describe('rule documents', () => {
  it.each([...renderDocuments()])('%s is current', (file, text) => {
    expect(readFileSync(path.join(root, file), 'utf8')).toBe(text);
  });

  it('shows an example rule that loads and whose tests pass', () => {
    const guide = readFileSync(path.join(root, 'docs/writing-rules.md'), 'utf8');
    const examples = [...guide.matchAll(/```yaml\n(id: [\s\S]*?)```/g)].map((match) => match[1] ?? '');
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const results = testRule(parseRuleText(example, 'docs/writing-rules.md'));
      expect(results.length).toBeGreaterThan(1);
      expect(results.filter((result) => !result.ok)).toEqual([]);
    }
  });

  it('documents no field that the typed environment does not have', () => {
    for (const kind of eventKinds) {
      const environment = createCelEnvironment(kind);
      for (const [variable, type] of Object.entries(variablesOf(kind))) {
        for (const field of Object.keys(fieldsOf(type) ?? {})) {
          expect(environment.check(`${variable}.${field}`), `${kind}: ${variable}.${field}`).toMatchObject({
            valid: true,
          });
        }
      }
    }
    expect(Object.keys(fieldCatalog).length).toBeGreaterThan(10);
  });
});

import type { z } from 'zod';
import type { FileProblem } from './file-problem.ts';
import { didYouMean } from './suggest.ts';
import type { YamlSource } from './yaml-source.ts';

type Issue = z.core.$ZodIssue;
type Schema = z.core.$ZodType;

/** What a schema says against a file's content, each at its place in the file. */
export function schemaProblems(
  file: string,
  yaml: YamlSource,
  schema: Schema,
  issues: readonly Issue[],
): FileProblem[] {
  return issues.flatMap((issue) => problemsOfIssue(file, yaml, schema, issue));
}

function problemsOfIssue(file: string, yaml: YamlSource, schema: Schema, issue: Issue): FileProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, issue.path);
    return issue.keys.map((key) => {
      const hint = didYouMean(key, known) ?? (known.length === 0 ? undefined : `fields: ${known.join(', ')}`);
      return { file, ...yaml.positionOfKey(issue.path, key), reason: `unknown field "${key}"`, hint };
    });
  }
  if (issue.code === 'invalid_union') {
    // The branch that comes nearest has the deepest problem.
    const branches = issue.errors.flat().sort((a, b) => b.path.length - a.path.length);
    const nearest = branches[0];
    if (nearest !== undefined)
      return problemsOfIssue(file, yaml, schema, { ...nearest, path: [...issue.path, ...nearest.path] } as Issue);
  }
  const field = issue.path.map(String).join('.');
  const reason = `${field === '' ? 'file' : field}: ${lowerFirst(issue.message)}`;
  return [{ file, ...yaml.positionOf(issue.path), reason, hint: hintOf(issue) }];
}

function hintOf(issue: Issue): string | undefined {
  if (issue.code !== 'invalid_value' || typeof issue.input !== 'string') return undefined;
  return didYouMean(issue.input, issue.values.map(String));
}

/** Names of the fields that are allowed at a path of the schema. */
function knownKeys(root: Schema, at: readonly PropertyKey[]): string[] {
  let schema: Schema | undefined = root;
  for (const segment of at) schema = childSchema(unwrap(schema), segment);
  const shape = shapeOf(unwrap(schema));
  return shape === undefined ? [] : Object.keys(shape);
}

function unwrap(schema: Schema | undefined): Schema | undefined {
  const inner = (schema?._zod.def as { innerType?: Schema } | undefined)?.innerType;
  return inner === undefined ? schema : unwrap(inner);
}

function childSchema(schema: Schema | undefined, segment: PropertyKey): Schema | undefined {
  if (typeof segment === 'number') return (schema?._zod.def as { element?: Schema } | undefined)?.element;
  return shapeOf(schema)?.[String(segment)];
}

function shapeOf(schema: Schema | undefined): Record<string, Schema> | undefined {
  return (schema?._zod.def as { shape?: Record<string, Schema> } | undefined)?.shape;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { CodedError, errorText } from '../../common/errors.ts';
import { YamlSource } from '../../common/yaml-source.ts';
import { type FileOperation, fileOperations } from '../decode/kernel-event.ts';

const maxFileBytes = 256 * 1024;
const maxPatterns = 512;

/** Absolute, without "." and ".."; "*" stands for any characters but "/". */
const pattern = z
  .string()
  .max(512)
  .regex(/^(\/(?!\.{1,2}(\/|$))[^/]+)+$/, 'must be an absolute path without "." and ".."; "*" matches within one name');

const entrySchema = z
  .strictObject({
    category: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be a lower-case word'),
    why: z.string().trim().min(1).max(300),
    files: z.array(pattern).max(256).optional(),
    directories: z.array(pattern).max(256).optional(),
    operations: z.array(z.enum(fileOperations)).min(1),
    only: z.literal('notable').optional(),
  })
  .refine((entry) => (entry.files === undefined) !== (entry.directories === undefined), {
    message: 'must have either files or directories',
  });

/** Without names: what comes and goes on the node is not told. */
const nodeOperations = ['open', 'read', 'write'] as const;
const nodeEntrySchema = entrySchema.refine(
  ({ operations, only }) =>
    only === undefined && operations.every((each) => nodeOperations.some((one) => one === each)),
  { message: `on the node only ${nodeOperations.join(', ')} can be told`, path: ['operations'] },
);

const schema = z.strictObject({
  watched: z.array(entrySchema).max(128),
  /** Of the node itself, for what containers do to it. */
  node: z.array(nodeEntrySchema).max(32).default([]),
});

/** Files or directories that are watched for one reason. */
export interface WatchedEntry {
  readonly category: string;
  readonly why: string;
  readonly kind: 'file' | 'directory';
  readonly operations: ReadonlySet<FileOperation>;
  /**
   * Only what is remarkable anywhere: executables, setuid and setgid files, device nodes, links to watched files. For
   * directories in which ordinary work goes on.
   */
  readonly onlyNotable: boolean;
}

export interface WatchedPattern {
  readonly pattern: string;
  readonly entry: WatchedEntry;
}

/** What is watched inside every container, and on the node. */
export class WatchList {
  readonly patterns: readonly WatchedPattern[];
  readonly nodePatterns: readonly WatchedPattern[];
  readonly #exact = new Map<string, WatchedEntry>();
  readonly #globs: { expression: RegExp; entry: WatchedEntry }[] = [];

  constructor(patterns: readonly WatchedPattern[], nodePatterns: readonly WatchedPattern[] = []) {
    this.patterns = patterns;
    this.nodePatterns = nodePatterns;
    for (const { pattern, entry } of patterns) {
      if (entry.kind !== 'file') continue;
      if (pattern.includes('*')) this.#globs.push({ expression: globExpression(pattern), entry });
      else if (!this.#exact.has(pattern)) this.#exact.set(pattern, entry);
    }
  }

  /** Why a path inside a container is watched as a file; undefined when it is not. */
  fileEntry(path: string): WatchedEntry | undefined {
    return this.#exact.get(path) ?? this.#globs.find(({ expression }) => expression.test(path))?.entry;
  }
}

/** A regular expression for a path, or one name, with "*". */
export function globExpression(glob: string): RegExp {
  return new RegExp(`^${glob.split('*').map(escapeExpression).join('[^/]*')}$`, 's');
}

function escapeExpression(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** @throws {CodedError} WATCHED_FILES_INVALID with every problem and its place. */
export function loadWatchList(path: string): WatchList {
  let text: string;
  try {
    if (statSync(path).size > maxFileBytes) throw new Error(`larger than ${maxFileBytes} bytes`);
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CodedError('WATCHED_FILES_INVALID', `${path} cannot be read: ${errorText(cause)}`, {
      hint: 'name another file with --watched-files, or leave the option out for the shipped one',
    });
  }
  return parseWatchList(text, path);
}

/** @throws {CodedError} WATCHED_FILES_INVALID */
export function parseWatchList(text: string, path: string): WatchList {
  const source = new YamlSource(text);
  const result = schema.safeParse(source.value);
  const problems = source.problems.map(({ line, column, reason }) => `${path}:${line}:${column}: ${reason}`);
  if (problems.length === 0 && !result.success)
    for (const issue of result.error.issues) {
      const { line, column } = source.positionOf(issue.path);
      problems.push(`${path}:${line}:${column}: ${issue.path.join('.')}: ${issue.message}`);
    }
  if (problems.length > 0 || !result.success)
    throw new CodedError('WATCHED_FILES_INVALID', `the list of watched files is not valid: ${problems.join('; ')}`, {
      hint: 'docs/watched-files.md explains every field',
    });
  const patterns = result.data.watched.flatMap((entry) => patternsOf(entry));
  const nodePatterns = result.data.node.flatMap((entry) => patternsOf(entry));
  const count = Math.max(patterns.length, nodePatterns.length);
  if (count > maxPatterns)
    throw new CodedError('WATCHED_FILES_INVALID', `${path} names ${count} paths, more than ${maxPatterns}`);
  return new WatchList(patterns, nodePatterns);
}

function patternsOf(source: z.output<typeof entrySchema>): WatchedPattern[] {
  const entry: WatchedEntry = {
    category: source.category,
    why: source.why,
    kind: source.files === undefined ? 'directory' : 'file',
    operations: new Set(source.operations),
    onlyNotable: source.only === 'notable',
  };
  return (source.files ?? source.directories ?? []).map((path) => ({ pattern: path, entry }));
}

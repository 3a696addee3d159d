import {
  type BaselineContent,
  baselineVersion,
  maxContentBytes,
  maxFacts,
  sortedContent,
} from '../../common/baseline-content.ts';
import { anyParent, type BaselineFact, type FactKind, isKeepable } from './fact.ts';
import type { FactRecord, FactStatus } from './fact-record.ts';
import { maxShapes, maxUnlearned } from './options.ts';

/** The facts of one baseline, with what has to be known of them all at once. */
export class LearnedFacts {
  readonly records = new Map<string, FactRecord>();
  readonly #learnedOf: Record<FactKind, number> = { executable: 0, destination: 0, listen: 0, capability: 0 };
  /** Learned executables by path. */
  readonly #paths = new Map<string, number>();
  /** Learned shapes of arguments by program and parent. */
  readonly #shapes = new Map<string, number>();
  #contentBytes = 0;
  #unlearned = 0;
  #content: BaselineContent | undefined;
  #version: string | undefined;

  constructor(records: Iterable<FactRecord> = []) {
    for (const record of records) this.add(record);
  }

  get learnedCount(): number {
    return Object.values(this.#learnedOf).reduce((sum, count) => sum + count, 0);
  }

  add(record: FactRecord): void {
    this.records.set(record.key, record);
    this.#count(record, 1);
  }

  remove(record: FactRecord): void {
    if (this.records.delete(record.key)) this.#count(record, -1);
  }

  setStatus(record: FactRecord, status: FactStatus): void {
    this.#count(record, -1);
    record.status = status;
    this.#count(record, 1);
  }

  /** The executable is expected, with whatever parent and arguments. */
  hasPath(path: string): boolean {
    return (this.#paths.get(path) ?? 0) > 0;
  }

  hasRoom(status: FactStatus, fact: BaselineFact, key: string): boolean {
    if (!isKeepable(fact)) return false;
    if (status !== 'learned') return this.#unlearned < maxUnlearned;
    return this.#learnedOf[fact.kind] < maxFacts[fact.kind] && this.#contentBytes + key.length <= maxContentBytes;
  }

  /** The fact as it is kept: what has too many variants stands for all of them. Undefined: another one says it already. */
  generalise(fact: BaselineFact): BaselineFact | undefined {
    if (fact.kind !== 'executable') return fact;
    // With an unknown parent it says nothing about one that is known with its parents.
    if (fact.parentPath === anyParent && this.hasPath(fact.path)) return undefined;
    const group = groupOf(fact);
    if ((this.#shapes.get(group) ?? 0) < maxShapes) return fact;
    return { ...fact, argumentShape: `${programName(fact.argumentShape)} *` };
  }

  /** What is learned, in order. Not to be changed. */
  content(): BaselineContent {
    this.#content ??= this.#collect();
    return this.#content;
  }

  version(): string {
    this.#version ??= baselineVersion(this.content());
    return this.#version;
  }

  #collect(): BaselineContent {
    const content: BaselineContent = { executables: [], destinations: [], listens: [], capabilities: [] };
    const shapes = new Map<string, { path: string; parentPath: string; argumentShapes: string[]; any: boolean }>();
    for (const { fact, status } of this.records.values()) {
      if (status !== 'learned') continue;
      if (fact.kind === 'executable') {
        const { path, parentPath, argumentShape } = fact;
        const key = JSON.stringify([path, parentPath]);
        const one = shapes.get(key) ?? { path, parentPath, argumentShapes: [], any: false };
        shapes.set(key, one);
        if (argumentShape === '') one.any = true;
        else one.argumentShapes.push(argumentShape);
      } else if (fact.kind === 'destination') content.destinations.push(withoutKind(fact));
      else if (fact.kind === 'listen') content.listens.push(withoutKind(fact));
      else content.capabilities.push(withoutKind(fact));
    }
    for (const { path, parentPath, argumentShapes, any } of shapes.values())
      content.executables.push({ path, parentPath, argumentShapes: any ? [] : argumentShapes });
    return sortedContent(content);
  }

  #count({ key, fact, status }: FactRecord, by: 1 | -1): void {
    this.#content = undefined;
    this.#version = undefined;
    if (status !== 'learned') {
      this.#unlearned += by;
      return;
    }
    this.#learnedOf[fact.kind] += by;
    this.#contentBytes += by * key.length;
    if (fact.kind !== 'executable') return;
    add(this.#paths, fact.path, by);
    add(this.#shapes, groupOf(fact), by);
  }
}

/** The facts that a content is made of. */
export function factsOfContent(content: BaselineContent): BaselineFact[] {
  return [
    ...content.executables.flatMap(({ path, parentPath, argumentShapes }) =>
      (argumentShapes.length === 0 ? [''] : argumentShapes).map(
        (argumentShape): BaselineFact => ({ kind: 'executable', path, parentPath, argumentShape }),
      ),
    ),
    ...content.destinations.map((one): BaselineFact => ({ kind: 'destination', ...one })),
    ...content.listens.map((one): BaselineFact => ({ kind: 'listen', ...one })),
    ...content.capabilities.map((one): BaselineFact => ({ kind: 'capability', ...one })),
  ];
}

function withoutKind<T extends BaselineFact>({ kind: _kind, ...line }: T): Omit<T, 'kind'> {
  return line;
}

function groupOf({ path, parentPath, argumentShape }: Extract<BaselineFact, { kind: 'executable' }>): string {
  return JSON.stringify([path, parentPath, programName(argumentShape)]);
}

function programName(argumentShape: string): string {
  return argumentShape.split(' ', 1)[0] ?? '';
}

function add(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

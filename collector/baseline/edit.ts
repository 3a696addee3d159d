import { type BaselineContent, baselineVersion } from '../../common/baseline-content.ts';
import { baselineIdOf } from '../../common/baseline-key.ts';
import type { BaselineKey } from '../../proto/generated/tallyman/v1/baseline.ts';
import type { BaselineBook } from './baseline-book.ts';
import { isCovered } from './covers.ts';
import { factKeyOf } from './fact.ts';
import { type BaselineHead, newHead } from './head.ts';
import { factsOfContent, LearnedFacts } from './learned-facts.ts';
import { maxBaselines } from './options.ts';

export type EditProblem =
  | { problem: 'not-found' }
  | { problem: 'frozen' }
  | { problem: 'full'; detail: string }
  /** It is not what the editor started from. */
  | { problem: 'changed'; version: string };

export interface Applied {
  id: string;
  version: string;
  created: boolean;
}

export interface ApplyRequest {
  key: BaselineKey;
  content: BaselineContent;
  frozen: boolean;
  /** Version the editor started from; undefined overwrites whatever is there. */
  baseVersion: string | undefined;
}

/** Makes a baseline expect exactly what a person says; it is learned from then on. */
export function applyBaseline(book: BaselineBook, request: ApplyRequest, nowUnixMs: number): Applied | EditProblem {
  const id = baselineIdOf(request.key);
  const known = book.heads.get(id);
  if (known === undefined && book.heads.size >= maxBaselines)
    return { problem: 'full', detail: `there are ${maxBaselines} baselines, which is the limit` };
  const facts = known === undefined ? new LearnedFacts() : book.factsOf(id);
  const version = facts.version();
  const isSame = baselineVersion(request.content) === version;
  if (known?.frozen && !isSame) return { problem: 'frozen' };
  const { baseVersion } = request;
  if (known !== undefined && baseVersion !== undefined && baseVersion !== version && !isSame)
    return { problem: 'changed', version };
  const head = known ?? newHead(request.key, nowUnixMs);
  if (known === undefined) book.addBaseline(head, facts);
  if (!isSame) replaceLearned(book, head, facts, request.content);
  if (!head.learned) head.learnedUntilUnixMs = nowUnixMs;
  Object.assign(head, { learned: true, applied: true, frozen: request.frozen, gap: undefined, overflow: {} });
  Object.assign(head, { openPaths: [], newPathsOpen: false, diffDue: false });
  head.stateSinceUnixMs = nowUnixMs;
  book.headChanged(id);
  return { id, version: facts.version(), created: known === undefined };
}

export function setFrozen(book: BaselineBook, id: string, frozen: boolean, nowUnixMs: number): EditProblem | undefined {
  const head = book.heads.get(id);
  if (head === undefined) return { problem: 'not-found' };
  if (head.frozen === frozen) return undefined;
  head.frozen = frozen;
  head.stateSinceUnixMs = nowUnixMs;
  book.headChanged(id);
  return undefined;
}

function replaceLearned(book: BaselineBook, head: BaselineHead, facts: LearnedFacts, content: BaselineContent): void {
  const wanted = new Map(factsOfContent(content).map((fact) => [factKeyOf(fact), fact]));
  for (const record of [...facts.records.values()]) {
    if (record.status !== 'learned' || wanted.has(record.key)) continue;
    facts.remove(record);
    book.factChanged(head.id, record.key);
  }
  for (const [key, fact] of wanted) {
    const record = facts.records.get(key);
    if (record === undefined) {
      const unseen = { reports: 0, firstSeenUnixMs: 0, lastSeenUnixMs: 0, lastInboxId: 0, containerId: '', note: '' };
      facts.add({ key, fact, status: 'learned', ...unseen });
    } else if (record.status !== 'learned') facts.setStatus(record, 'learned');
    book.factChanged(head.id, key);
  }
  // What is expected by now is no candidate any more.
  for (const record of [...facts.records.values()]) {
    if (record.status === 'learned' || !isCovered(record.fact, facts.records)) continue;
    facts.remove(record);
    book.factChanged(head.id, record.key);
  }
}

import type { BaselineContent } from '../../common/baseline-content.ts';
import { type BaselineFact, factKeyOf } from './fact.ts';
import { factsOfContent } from './learned-facts.ts';

export interface ContentDifference {
  added: BaselineFact[];
  removed: BaselineFact[];
}

/** Line by line, in the order of files. */
export function differenceOf(before: BaselineContent, after: BaselineContent): ContentDifference {
  const had = new Map(factsOfContent(before).map((fact) => [factKeyOf(fact), fact]));
  const has = new Map(factsOfContent(after).map((fact) => [factKeyOf(fact), fact]));
  return {
    added: [...has].flatMap(([key, fact]) => (had.has(key) ? [] : [fact])),
    removed: [...had].flatMap(([key, fact]) => (has.has(key) ? [] : [fact])),
  };
}

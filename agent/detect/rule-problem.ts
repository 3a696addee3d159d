import { CodedError } from '../../common/errors.ts';

/** Something wrong in a rule file, at a place a person can go to. */
export interface RuleProblem {
  file: string;
  /** From 1. */
  line: number;
  /** From 1. */
  column: number;
  reason: string;
  hint: string | undefined;
}

/** The rule files cannot be used; lists every problem of every file. */
export class RulesInvalidError extends CodedError<'RULES_INVALID'> {
  readonly problems: readonly RuleProblem[];

  constructor(found: readonly RuleProblem[]) {
    const problems = found.toSorted((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : 0));
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    super('RULES_INVALID', `${count} in rule files\n${problems.map(problemText).join('\n')}`);
    this.problems = problems;
  }
}

/** "file:line:column: reason (hint)" */
export function problemText(problem: RuleProblem): string {
  const hint = problem.hint === undefined ? '' : ` (${problem.hint})`;
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.reason}${hint}`;
}

import { CodedError } from '../../common/errors.ts';
import { type FileProblem, problemText } from '../../common/file-problem.ts';

/** Something wrong in a rule file, at a place a person can go to. */
export type RuleProblem = FileProblem;

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

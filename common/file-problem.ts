/** Something wrong in a file that people write, at a place a person can go to. */
export interface FileProblem {
  file: string;
  /** From 1. */
  line: number;
  /** From 1. */
  column: number;
  reason: string;
  hint: string | undefined;
}

/** "file:line:column: reason (hint)" */
export function problemText(problem: FileProblem): string {
  const hint = problem.hint === undefined ? '' : ` (${problem.hint})`;
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.reason}${hint}`;
}

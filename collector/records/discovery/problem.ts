import { CodedError, errorText } from '../../../common/errors.ts';

/** Something that could not be looked at, and may therefore hide a paper. `code` labels the error counter. */
export interface Problem {
  code: string;
  reason: string;
  /** Registry host, for the log's episodes. */
  host: string;
  /** Which papers it may hide; all when undefined. */
  hides?: readonly PaperKind[];
}

export type PaperKind = 'signature' | 'sbom' | 'provenance' | 'vulnerabilities';

export function toProblem(thrown: unknown, host: string, what: string, hides?: readonly PaperKind[]): Problem {
  const code = thrown instanceof CodedError ? thrown.code : 'REGISTRY_CLIENT_FAILED';
  return { code, reason: `${what}: ${errorText(thrown)}`, host, hides };
}

export function problemsHiding(paper: PaperKind, problems: readonly Problem[]): Problem[] {
  return problems.filter(({ hides }) => hides === undefined || hides.includes(paper));
}

const maxShown = 3;

/** What could not be looked at, in one sentence. */
export function problemText(problems: readonly Problem[]): string {
  const reasons = [...new Set(problems.map(({ reason }) => reason))];
  const more = reasons.length > maxShown ? `; and ${reasons.length - maxShown} more` : '';
  return reasons.slice(0, maxShown).join('; ') + more;
}

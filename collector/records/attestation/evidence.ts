import type { SignatureRecord } from '../papers.ts';
import type { Verdict } from '../signature/judge.ts';
import type { Statement } from './statement.ts';

/** Where a piece of evidence was found. */
export interface Origin {
  attachedTo: string;
  source: string;
}

/** What an attachment turned out to be, checked as far as it goes. */
export type Evidence =
  | { kind: 'signature'; record: SignatureRecord }
  /** An in-toto statement about this image; `isInIndex`: unsigned, but part of the index that `attachedTo` names. */
  | { kind: 'statement'; statement: Statement; verdict: Verdict; isInIndex: boolean; origin: Origin }
  /** An SBOM document without a signature of its own. */
  | { kind: 'document'; bytes: Uint8Array; digest: string; verdict: Verdict; origin: Origin }
  /** A scan report, or VEX, without a signature of its own; an attested one is a statement. */
  | { kind: 'report' | 'vex'; bytes: Uint8Array; digest: string; verdict: Verdict; origin: Origin }
  /** A paper that cannot be used: broken, about another image, or of an unread format. */
  | { kind: 'rejected'; paper: AttestedPaper; verdict: Verdict; origin: Origin };

/** What attestations and documents can be about. */
export type AttestedPaper = 'sbom' | 'provenance' | 'vulnerabilities';

import { matchesGlob } from '../../common/glob.ts';
import type { CorrelatedFinding, Decision, Reason, SeverityWord } from './alert.ts';
import type { Policy } from './policy.ts';
import type { PolicyRule } from './policy-schema.ts';
import { scoreReasons } from './score.ts';
import { severityOfFinding, severityOfRank, severityRank, severityWords } from './severity.ts';

/**
 * Turns a finding and all that is known about it into a decision. Pure and deterministic: the same input under the same
 * policy gives the same decision, reasons included. The points of the reasons add up to the score, and the score lies in
 * the band of the severity.
 */
export function decide(correlated: CorrelatedFinding, policy: Policy): Decision {
  const reasons = scoreReasons(correlated, policy);
  const bounded = limitScore(sumOf(reasons));
  if (bounded !== sumOf(reasons)) reasons.push({ text: 'scores end at 0 and 100', points: bounded - sumOf(reasons) });

  const own = severityOfFinding(correlated.finding.severity);
  const lowest = severityOfRank(severityRank(own) - policy.severity.maxStepsDown);
  raise(
    reasons,
    lowest,
    `papers take at most ${steps(policy.severity.maxStepsDown)} off a rule that is ${own}`,
    policy,
  );

  const rule = policy.rules.find((candidate) => ruleMatches(candidate, correlated));
  if (rule?.atLeast !== undefined) raise(reasons, rule.atLeast, `at least ${rule.atLeast}: ${rule.reason}`, policy);
  if (rule?.severity !== undefined) fix(reasons, rule.severity, rule.reason, policy);
  if (rule?.action !== undefined && rule.action !== 'alert')
    reasons.push({ text: `${rule.action === 'record' ? 'recorded only' : 'ignored'}: ${rule.reason}`, points: 0 });

  const score = sumOf(reasons);
  return {
    action: rule?.action ?? 'alert',
    severity: severityOfScore(score, policy),
    score,
    reasons,
    policyVersion: policy.policyVersion,
  };
}

/** The word for a score under a policy's thresholds. */
export function severityOfScore(score: number, policy: Policy): SeverityWord {
  let word: SeverityWord = 'info';
  for (const candidate of severityWords) if (score >= lowestScore(candidate, policy)) word = candidate;
  return word;
}

function lowestScore(word: SeverityWord, policy: Policy): number {
  return word === 'info' ? 0 : policy.severity.thresholds[word];
}

function highestScore(word: SeverityWord, policy: Policy): number {
  const above = severityWords[severityRank(word) + 1];
  return above === undefined ? 100 : lowestScore(above, policy) - 1;
}

function raise(reasons: Reason[], floor: SeverityWord, text: string, policy: Policy): void {
  const missing = lowestScore(floor, policy) - sumOf(reasons);
  if (missing > 0) reasons.push({ text, points: missing });
}

function fix(reasons: Reason[], severity: SeverityWord, why: string, policy: Policy): void {
  const score = sumOf(reasons);
  const wanted = Math.min(Math.max(score, lowestScore(severity, policy)), highestScore(severity, policy));
  reasons.push({ text: `policy says ${severity}: ${why}`, points: wanted - score });
}

function ruleMatches(rule: PolicyRule, { finding, papers }: CorrelatedFinding): boolean {
  if (!matchesGlob(rule.rule, finding.ruleId)) return false;
  const { namespace, image, sbom } = rule.match ?? {};
  if (sbom !== undefined && !sbom.includes(papers.sbom.outcome)) return false;
  if (namespace !== undefined && !matchesGlob(namespace, finding.container?.namespace ?? '')) return false;
  if (image === undefined) return true;
  const repositories = [
    repositoryOf(finding.container?.image?.reference ?? ''),
    ...(finding.container?.image?.repoDigests ?? []).map(repositoryOf),
  ];
  if (papers.identity.repository !== undefined) repositories.push(papers.identity.repository);
  return repositories.some((repository) => repository !== '' && matchesGlob(image, repository));
}

/** "registry.acme.io:5000/app:1.2@sha256:…" → "registry.acme.io:5000/app" */
export function repositoryOf(reference: string): string {
  const name = reference.split('@', 1)[0] ?? '';
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name;
}

function sumOf(reasons: readonly Reason[]): number {
  return reasons.reduce((sum, reason) => sum + reason.points, 0);
}

function limitScore(score: number): number {
  return Math.min(Math.max(score, 0), 100);
}

function steps(count: number): string {
  return count === 1 ? 'one step' : `${count} steps`;
}

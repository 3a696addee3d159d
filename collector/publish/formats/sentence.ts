import type { ProcessExecution } from '../../../proto/generated/tallyman/v1/process.ts';
import type { Alert, Reason } from '../../decide/alert.ts';
import type { Ownership, Papers, Signer } from '../../records/papers.ts';
import { dataGapsText } from './data-gaps.ts';
import { imageNameOf } from './image-name.ts';
import { commandLine, displayName, showText } from './text.ts';

/** What happened, in one sentence. */
export function titleOf(alert: Alert): string {
  const { finding } = alert.correlated;
  return showText(finding.summary || finding.ruleTitle || finding.ruleId || 'finding without a summary', 500);
}

/** The whole alert in words: what, by which process chain, from which package of which image, why it weighs what. */
export function descriptionOf(alert: Alert): string {
  const { finding, papers, ownership, script } = alert.correlated;
  const lines = [
    titleOf(alert),
    `why: ${alert.decision.reasons.map(reasonText).join(' · ')}`,
    finding.processes.length === 0 ? undefined : `process: ${chainOf(finding.processes, finding.ancestryComplete)}`,
    `image: ${imageText(alert)}`,
    `papers: ${papersText(papers)}`,
    ownership === undefined ? undefined : `program: ${ownershipText(ownership)}`,
    script === undefined ? undefined : `script: ${ownershipText(script)}`,
    finding.dataComplete ? undefined : `data: ${dataGapsText(finding)}`,
  ];
  return lines.filter((line) => line !== undefined).join('\n');
}

/** "image is not signed +10" */
export function reasonText(reason: Reason): string {
  const points = reason.points === 0 ? '' : ` ${reason.points > 0 ? '+' : '−'}${Math.abs(reason.points)}`;
  return showText(reason.text, 600) + points;
}

/** Oldest first: "tini(1) → node server.js(17) → /tmp/.x(41)". */
export function chainOf(processes: readonly ProcessExecution[], complete: boolean): string {
  const shown = processes.slice(0, 12).map((execution) => `${nameOf(execution)}(${execution.pid})`);
  if (processes.length > shown.length) shown.push(`… ${processes.length - shown.length} more`);
  if (!complete) shown.push('?');
  return shown.reverse().join(' → ');
}

function nameOf(execution: ProcessExecution): string {
  if (execution.argv.length > 0) return showText(commandLine(execution.argv), 160);
  return showText(displayName(execution) || '?', 160);
}

function imageText(alert: Alert): string {
  const { finding, papers } = alert.correlated;
  const { repository, tag, digest } = imageNameOf(finding.container, papers.identity);
  const name = showText(repository || 'unknown', 300);
  return `${name}${tag === '' ? '' : `:${showText(tag, 128)}`}${digest === '' ? '' : ` (${showText(digest, 100)})`}`;
}

function papersText({ signature, sbom, provenance }: Papers): string {
  const packages = sbom.componentCount > 0 ? ` (${sbom.componentCount} packages)` : '';
  return [
    `signature ${signature.outcome}${signerText(signature.signer)}`,
    `SBOM ${sbom.outcome}${packages}`,
    `provenance ${provenance.outcome}`,
  ].join(', ');
}

function signerText(signer: Signer | undefined): string {
  return signer === undefined ? '' : ` by ${showText(signer.name, 300)}`;
}

const sourceWords = { sbom: 'SBOM', inventory: 'inventory' } as const;

function ownershipText(ownership: Ownership): string {
  const path = showText(ownership.path || 'unknown path', 500);
  if (ownership.state !== 'owned') return `${path}: ${ownership.state}, ${showText(ownership.reason, 500)}`;
  const owners = ownership.owners.map((owner) => showText(owner.purl || owner.name, 300)).join(', ');
  const per = ownership.source === undefined ? '' : `per ${sourceWords[ownership.source]}, `;
  return `${path} = ${owners} (${per}${ownership.method}, confidence ${ownership.confidence})`;
}

import { Attribution } from '../../proto/generated/tallyman/v1/finding.ts';
import type { ContentsSource } from '../records/contents/contents.ts';
import type { Outcome, Papers } from '../records/papers.ts';
import type { CorrelatedFinding, Reason } from './alert.ts';
import type { Policy } from './policy.ts';
import { assessPosture } from './posture-level.ts';
import { severityOfFinding } from './severity.ts';
import { vulnerabilityReasons } from './vulnerability-reasons.ts';

/** What adds to or takes from a finding's score, in the order it is applied; the first is the rule's own severity. */
export function scoreReasons(correlated: CorrelatedFinding, policy: Policy): Reason[] {
  const own = severityOfFinding(correlated.finding.severity);
  const rule = {
    text: `rule ${correlated.finding.ruleId || '(unnamed)'} is ${own}`,
    points: policy.severity.base[own],
  };
  // Its rule has weighed the papers; counting them again would make a verified SBOM that is wrong weigh less.
  if (correlated.finding.event?.evidence?.$case === 'image') return [rule];
  return [
    rule,
    ...paperReasons(correlated, policy),
    ...processReasons(correlated, policy),
    ...vulnerabilityReasons(correlated, policy),
    ...postureReasons(correlated, policy),
    ...dataReasons(correlated, policy),
  ];
}

/** True when nothing is left to doubt about what was built: signature and SBOM hold, and provenance does not contradict. */
export function isFullyVerified(papers: Papers): boolean {
  const { signature, sbom, provenance } = papers;
  const contradicted = provenance.outcome === 'invalid' || provenance.outcome === 'untrusted';
  return signature.outcome === 'verified' && sbom.outcome === 'verified' && !contradicted;
}

function paperReasons({ papers, ownership }: CorrelatedFinding, policy: Policy): Reason[] {
  const outsider = ownership?.state === 'not-in-image';
  const reasons: Reason[] = [];
  const add = (what: 'signature' | 'sbom' | 'provenance', text: string): void => {
    const { outcome } = papers[what];
    const points = policy.points[what][outcome];
    if (points < 0 && outsider)
      reasons.push({ text: `${text}, which says nothing about a program that is not part of it`, points: 0 });
    else if (points !== 0 || (outcome === 'unknown' && what === 'signature')) reasons.push({ text, points });
  };
  const signer = papers.signature.signer === undefined ? '' : ` by ${papers.signature.signer.name}`;
  add('signature', signatureTexts(papers.signature.reason, signer)[papers.signature.outcome]);
  add('sbom', sbomTexts(papers.sbom.reason)[papers.sbom.outcome]);
  add('provenance', provenanceTexts(papers.provenance.reason)[papers.provenance.outcome]);
  return [...reasons, ...imageReasons(papers, policy)];
}

/** What the policy expects of images beside papers, where it is not so. */
function imageReasons({ base, place = [] }: Papers, policy: Policy): Reason[] {
  const points = policy.points.image;
  const reasons: Reason[] = [];
  const failed = (name: string) => place.find((clause) => clause.name === name && clause.outcome === 'untrusted');
  const registry = failed('registry');
  const pinned = failed('pinned');
  if (registry !== undefined)
    reasons.push({
      text: `image comes from a registry that is not allowed: ${registry.reason}`,
      points: points.registryNotAllowed,
    });
  if (pinned !== undefined)
    reasons.push({ text: `image is not pinned by digest: ${pinned.reason}`, points: points.notPinned });
  if (base?.outcome === 'untrusted' || base?.outcome === 'invalid')
    reasons.push({ text: `base image is not approved: ${base.reason}`, points: points.baseNotApproved });
  return reasons.filter((reason) => reason.points !== 0);
}

function signatureTexts(reason: string, signer: string): Record<Outcome, string> {
  return {
    verified: `image is signed${signer}`,
    untrusted: `image is signed${signer}, who is not one of the trusted signers`,
    invalid: `image has a broken signature${because(reason)}`,
    absent: 'image is not signed',
    unknown: `could not look for a signature${because(reason)}`,
  };
}

function sbomTexts(reason: string): Record<Outcome, string> {
  return {
    verified: 'image has a verified SBOM',
    untrusted: 'SBOM of the image is not vouched for by a trusted signer',
    invalid: `SBOM of the image is invalid${because(reason)}`,
    absent: 'image has no SBOM',
    unknown: `could not look for an SBOM${because(reason)}`,
  };
}

function provenanceTexts(reason: string): Record<Outcome, string> {
  return {
    verified: 'provenance of the image is verified',
    untrusted: reason.startsWith('built by ')
      ? `image was ${reason}`
      : `provenance of the image is not from a trusted builder${because(reason)}`,
    invalid: `provenance of the image is invalid${because(reason)}`,
    absent: 'image has no provenance',
    unknown: `could not look for provenance${because(reason)}`,
  };
}

function because(reason: string): string {
  return reason === '' ? '' : `: ${reason}`;
}

function processReasons({ papers, ownership }: CorrelatedFinding, policy: Policy): Reason[] {
  const points = policy.points.process;
  if (ownership === undefined) return [];
  switch (ownership.state) {
    case 'owned': {
      const owners = ownership.owners.map((owner) => owner.purl || owner.name).join(', ');
      if (ownership.source === 'inventory') {
        // The image's own databases: as true as the image is.
        const isProven = papers.signature.outcome === 'verified';
        return [{ text: `program belongs to ${owners}, per inventory`, points: isProven ? points.owned : 0 }];
      }
      if (papers.sbom.outcome === 'verified') return [{ text: `program belongs to ${owners}`, points: points.owned }];
      return [{ text: `program belongs to ${owners}, says an SBOM that is not verified`, points: 0 }];
    }
    case 'unowned':
      return [{ text: unownedText(ownership.source), points: points.unowned }];
    case 'no-ownership-data':
      return points.noOwnershipData === 0
        ? []
        : [{ text: `no ownership data for the program: ${ownership.reason}`, points: points.noOwnershipData }];
    case 'not-in-image':
      return notInImageReasons(papers, ownership.reason, points);
  }
}

function unownedText(source: ContentsSource | undefined): string {
  return source === 'inventory'
    ? 'program is in the image, but no package of it claims it'
    : 'program is in the image, but no package of its SBOM declares it';
}

function notInImageReasons(papers: Papers, why: string, points: Policy['points']['process']): Reason[] {
  const reasons = [{ text: `program is not part of the image: ${why}`, points: points.notInImage }];
  if (isFullyVerified(papers))
    reasons.push({
      text: 'image is fully verified: this is an intrusion, not a bad build',
      points: points.notInVerifiedImage,
    });
  return reasons;
}

function postureReasons({ finding }: CorrelatedFinding, policy: Policy): Reason[] {
  // A posture rule's severity is about exactly this; counting it again would hide what the papers say.
  if (finding.event?.evidence?.$case === 'posture') return [];
  const { level, facts } = assessPosture(finding.container?.posture);
  if (level === 'default') return [];
  const points = policy.points.posture[level];
  return points === 0 ? [] : [{ text: `container ${facts.join(', ')}`, points }];
}

function dataReasons({ finding }: CorrelatedFinding, policy: Policy): Reason[] {
  const reasons: Reason[] = [];
  if (finding.attribution === Attribution.PARTIAL) {
    const missing = finding.missing.length === 0 ? '' : `: ${finding.missing.join(', ')} not known`;
    reasons.push({ text: `attribution is incomplete${missing}`, points: policy.points.data.attributionPartial });
  }
  if (!finding.dataComplete)
    reasons.push({ text: 'records were lost around this event', points: policy.points.data.incomplete });
  return reasons.filter((reason) => reason.points !== 0);
}

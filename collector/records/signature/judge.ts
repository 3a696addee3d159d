import type { Outcome, Signer, VerificationStep } from '../papers.ts';
import { mayBeOf, type Trust, type TrustedKey } from '../trust/trust.ts';
import { judgeCertificate } from './judge-certificate.ts';
import { keyFingerprint } from './keys.ts';
import { verifyLogged } from './log-requirement.ts';
import type { SignerMaterial } from './material.ts';
import { isSignedBy } from './verify-key.ts';

/** What came out of checking one signature. */
export interface Verdict {
  outcome: Exclude<Outcome, 'absent'>;
  reason: string;
  signer: Signer | undefined;
  /** The step that was not passed; undefined when all were, or none could be tried. */
  failedStep?: VerificationStep | undefined;
}

/** Whose signatures count, and on papers of which repository ("registry.acme.io/team/app"). */
export interface Judging {
  trust: Trust;
  repository: string;
}

/** A signature and the bytes it is over. */
export interface SignedBytes {
  signed: Uint8Array;
  signature: Uint8Array;
  material: SignerMaterial;
}

/**
 * Who made this signature: a pinned key or a trusted identity that may sign this repository (verified), somebody else whose
 * signature holds (untrusted), or nobody: it claims a key or certificate that did not make it (invalid). The pinned keys
 * are tried first; the hint never adds trust.
 */
export function judgeSignature(judging: Judging, item: SignedBytes): Verdict {
  const { keys } = judging.trust;
  const { signed, signature, material } = item;
  const makers = keys.filter(({ key }) => isSignedBy(key, signed, signature));
  if (makers.length > 0) return judgeKeyed(makers, judging.repository, item);
  const hint = hintFingerprint(material.publicKeyHint);
  const claimed = keys.find(({ fingerprint }) => fingerprint === hint);
  if (claimed !== undefined)
    return invalid(
      `it names the pinned key ${claimed.name}, but that key did not make this signature: the signature or what it signs was altered`,
      'signature',
    );
  if (material.problem !== undefined) return invalid(material.problem, 'format');
  return judgeCertificate(judging, item) ?? judgeByLog(item) ?? unpinned(judging.trust);
}

/** Without a step: of a paper that is broken in itself. */
export function invalid(reason: string, failedStep?: VerificationStep): Verdict {
  const step = failedStep === undefined ? '' : `${failedStep}: `;
  return { outcome: 'invalid', reason: `${step}${reason}`, signer: undefined, failedStep };
}

export function untrusted(reason: string, failedStep: VerificationStep, signer: Signer | undefined): Verdict {
  return { outcome: 'untrusted', reason: `${failedStep}: ${reason}`, signer, failedStep };
}

/** The first of the keys that may sign this repository, and whose log has the signature if it has to. */
function judgeKeyed(makers: readonly TrustedKey[], repository: string, item: SignedBytes): Verdict {
  let rejection: Verdict | undefined;
  for (const { name, fingerprint, images, log } of makers) {
    const signer: Signer = { kind: 'key', name, keyFingerprint: fingerprint };
    if (!mayBeOf(images, repository)) {
      const reason = `the key ${name} may not sign this repository: expected ${images?.join(' or ')}, found ${repository}`;
      rejection ??= untrusted(reason, 'identity', signer);
      continue;
    }
    const logged = log === undefined ? undefined : verifyLogged(item, log);
    if (logged?.failure === undefined)
      return {
        outcome: 'verified',
        reason: `signed with the pinned key ${name}`,
        signer: { ...signer, ...logged?.proof },
      };
    rejection = { ...logged.failure, signer };
  }
  return rejection ?? invalid('no key made it', 'signature');
}

/** The hint as a fingerprint; undefined when it is not cosign's base64 of a sha256. */
function hintFingerprint(hint: string | undefined): string | undefined {
  const bytes = Buffer.from(hint ?? '', 'base64');
  return bytes.length === 32 ? `sha256:${bytes.toString('hex')}` : undefined;
}

function judgeByLog({ signed, signature, material }: SignedBytes): Verdict | undefined {
  if (material.logKeys.length === 0) return undefined;
  const maker = material.logKeys.find((key) => isSignedBy(key, signed, signature));
  if (maker === undefined)
    return invalid('the key that its transparency log entry names did not make this signature', 'signature');
  const fingerprint = keyFingerprint(maker);
  const signer: Signer = { kind: 'key', name: fingerprint.slice(0, 19), keyFingerprint: fingerprint };
  return untrusted(`signed with a key that is not pinned (${fingerprint.slice(0, 19)}…)`, 'identity', signer);
}

function unpinned({ keys }: Trust): Verdict {
  const reason =
    keys.length === 0
      ? 'no key is pinned, so nobody’s signature can be verified: pin the public keys of those who may sign'
      : `not made by any pinned key (${keys.map(({ name }) => name).join(', ')}), or altered`;
  return untrusted(reason, 'signature', undefined);
}

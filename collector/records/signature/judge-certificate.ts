import { X509Certificate as SigstoreCertificate } from '@sigstore/core';
import type { Signer } from '../papers.ts';
import { mayBeOf, type TrustedIdentity } from '../trust/trust.ts';
import type { TrustRoot } from '../trust/trust-root.ts';
import { isCheapDer } from './der-budget.ts';
import { fulcioClaims } from './fulcio-claims.ts';
import { invalid, type Judging, type SignedBytes, untrusted, type Verdict } from './judge.ts';
import { keyFingerprint } from './keys.ts';
import { certificateName } from './material.ts';
import { verifySigstore } from './sigstore.ts';
import { isSignedBy } from './verify-key.ts';

/** Judges a signature that comes with a certificate; undefined when it comes with none. */
export function judgeCertificate(judging: Judging, item: SignedBytes): Verdict | undefined {
  const { certificate } = item.material;
  if (certificate === undefined) return undefined;
  const name = certificateName(certificate);
  if (!isSignedBy(certificate.publicKey, item.signed, item.signature))
    return invalid(`the certificate of ${name} that comes with it did not make this signature`, 'signature');
  let leaf: SigstoreCertificate;
  let signer: Signer;
  try {
    if (!isCheapDer(certificate.raw)) throw new RangeError('it is nested more than any certificate needs');
    leaf = SigstoreCertificate.parse(Buffer.from(certificate.raw));
    const claims = fulcioClaims(leaf);
    signer = { kind: 'certificate', name, keyFingerprint: keyFingerprint(certificate.publicKey), certificate: claims };
  } catch {
    return invalid('the certificate that comes with it cannot be read', 'certificate chain');
  }
  const { roots } = judging.trust;
  const issuing = roots.filter((root) => hasIssued(root, leaf));
  if (issuing.length === 0) {
    const expected =
      roots.length === 0
        ? 'no root of trust is configured, so certificates are not trusted here'
        : `expected an authority of ${roots.map((root) => root.name).join(' or ')}`;
    return untrusted(
      `signed with a certificate that names ${name}: ${expected}, found issuer ${issuerOf(certificate)}`,
      'certificate chain',
      signer,
    );
  }
  let rejection: Verdict | undefined;
  for (const root of issuing) {
    const { failure, proof } = verifySigstore(item, root, certificate);
    if (failure === undefined) return judgeIdentity(judging, root, { ...signer, ...proof, root: root.name });
    rejection ??= { ...failure, signer };
  }
  return rejection;
}

function hasIssued(root: TrustRoot, leaf: SigstoreCertificate): boolean {
  return root.material.certificateAuthorities.some(({ certChain }) =>
    certChain.some((authority) => {
      try {
        return authority.subject.equals(leaf.issuer) && leaf.verify(authority);
      } catch {
        return false;
      }
    }),
  );
}

/** Issuer and subject are compared whole, after everything that proves them. */
function judgeIdentity({ trust, repository }: Judging, root: TrustRoot, signer: Signer): Verdict {
  const { subject, issuer, sourceRepositoryUri } = signer.certificate ?? {};
  const found = `issuer ${quoted(issuer)}, subject ${quoted(subject)}`;
  const asked = trust.identities.filter((identity) => identity.root === undefined || identity.root === root.name);
  const isOne = (identity: TrustedIdentity): boolean =>
    issuer === identity.issuer && subject !== undefined && identity.isSubject(subject);
  const named = asked.filter(isOne);
  if (named.length === 0) {
    const expected = asked
      .slice(0, 3)
      .map(
        (identity) => `${identity.name} (issuer ${quoted(identity.issuer)}, subject ${quoted(identity.subjectText)})`,
      );
    const more = asked.length > 3 ? ` or ${asked.length - 3} more` : '';
    return untrusted(
      `expected ${expected.join(' or ') || 'one of no identities'}${more}, found ${found}`,
      'identity',
      signer,
    );
  }
  const sourced = named.filter((identity) => [undefined, sourceRepositoryUri].includes(identity.sourceRepository));
  if (sourced.length === 0) {
    const expected = named.map((identity) => quoted(identity.sourceRepository)).join(' or ');
    return untrusted(
      `expected source repository ${expected}, found ${quoted(sourceRepositoryUri)}`,
      'identity',
      signer,
    );
  }
  const identity = sourced.find(({ images }) => mayBeOf(images, repository));
  if (identity === undefined) {
    const allowed = sourced
      .flatMap(({ images }) => images ?? [])
      .slice(0, 5)
      .join(' or ');
    return untrusted(
      `${sourced[0]?.name} may not sign this repository: expected ${allowed}, found ${repository}`,
      'identity',
      signer,
    );
  }
  const reason = `signed by ${identity.name}, proven by root ${root.name}`;
  return { outcome: 'verified', reason, signer: { ...signer, identity: identity.name } };
}

/** Node leaves an empty name undefined, whatever its types say. */
function issuerOf(certificate: { issuer: string | undefined }): string {
  return (certificate.issuer ?? '').split('\n').join(', ').slice(0, 256) || 'without name';
}

function quoted(text: string | undefined): string {
  return text === undefined ? 'none' : JSON.stringify(text.slice(0, 512));
}

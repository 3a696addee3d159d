import type { X509Certificate } from 'node:crypto';
import { X509Certificate as SigstoreCertificate } from '@sigstore/core';
import type { Signer } from '../papers.ts';
import { isSubset, subjectAttributes } from '../trust/distinguished-name.ts';
import type { NotationStore } from '../trust/notation-store.ts';
import { mayBeOf } from '../trust/trust.ts';
import { isCheapDer } from './der-budget.ts';
import { invalid, type Judging, untrusted, type Verdict } from './judge.ts';
import { keyFingerprint } from './keys.ts';
import { certificateName } from './material.ts';
import { isSignedJws, parseNotationJws, signatureAlgorithmOf } from './notation-jws.ts';

const known = new Set(
  ['signingScheme', 'signingTime', 'authenticSigningTime', 'expiry'].map((name) => `io.cncf.notary.${name}`),
);
const plugin = /^io\.cncf\.notary\.verificationPlugin/;
const codeSigning = '1.3.6.1.5.5.7.3.3';

/**
 * Checks a Notation JWS envelope that hangs on `attachedTo`
 * (https://github.com/notaryproject/specifications/blob/main/specs/signature-envelope-jws.md): integrity, authenticity, time,
 * expiry, subject, identity. Revocation is not asked for: that needs the network. `nowUnixMs`: milliseconds since the epoch.
 */
export function judgeNotation(bytes: Uint8Array, attachedTo: string, judging: Judging, nowUnixMs: number): Verdict {
  const { notation: stores } = judging.trust;
  if (stores.length === 0)
    return {
      outcome: 'unknown',
      reason: 'Notation signatures are found but not checked: the policy has no authorities for them (trust.notation)',
      signer: undefined,
    };
  let jws: ReturnType<typeof parseNotationJws>;
  try {
    jws = parseNotationJws(bytes);
  } catch (error) {
    return invalid(
      `the Notation envelope is malformed: ${error instanceof Error ? error.message : 'unreadable'}`,
      'format',
    );
  }
  const notUnderstood = jws.critical.find((name) => !known.has(name));
  if (notUnderstood !== undefined)
    return unsupported(
      plugin.test(notUnderstood)
        ? 'it has to be checked by a verification plugin, and there are none here'
        : `it demands that the header ${JSON.stringify(notUnderstood.slice(0, 100))} is understood`,
    );
  if (jws.signingScheme !== 'notary.x509')
    return unsupported(`signing scheme not supported: ${jws.signingScheme.slice(0, 100)}`);
  const [leaf] = jws.chain;
  if (leaf === undefined) return invalid('it has no certificate', 'format');
  const expected = signatureAlgorithmOf(leaf.publicKey);
  if (expected !== jws.algorithm)
    return invalid(
      `expected the algorithm of the certificate’s key, ${expected ?? 'none that is allowed'}, found ${jws.algorithm}`,
      'signature',
    );
  if (!isSignedJws(jws, leaf.publicKey))
    return invalid('the certificate that comes with it did not make this signature', 'signature');
  const broken = chainProblem(jws.chain) ?? leafProblem(leaf);
  if (broken !== undefined) return invalid(broken, 'certificate chain');
  return judgeProven(jws, leaf, { attachedTo, judging, nowUnixMs });
}

/** What remains once it is clear that the leaf’s key made the signature. */
function judgeProven(
  jws: ReturnType<typeof parseNotationJws>,
  leaf: X509Certificate,
  { attachedTo, judging, nowUnixMs }: { attachedTo: string; judging: Judging; nowUnixMs: number },
): Verdict {
  const signer: Signer = {
    kind: 'certificate',
    name: certificateName(leaf),
    keyFingerprint: keyFingerprint(leaf.publicKey),
    signedAtUnixMs: jws.signingTimeUnixMs,
  };
  if (jws.subjectDigest !== attachedTo)
    return invalid(`it is about another image: expected ${attachedTo}, found ${jws.subjectDigest}`, 'subject');
  if (jws.expiryUnixMs !== undefined && jws.expiryUnixMs <= nowUnixMs)
    return { ...invalid(`the signature expired at ${new Date(jws.expiryUnixMs).toISOString()}`, 'time stamp'), signer };
  const outdated = jws.chain.find((certificate) => !isValidAt(certificate, nowUnixMs));
  if (outdated !== undefined) {
    const reason = `expected a chain that is valid now, found ${certificateName(outdated)} for ${outdated.validFrom} to ${outdated.validTo}`;
    return jws.isTimestamped
      ? unsupported(`${reason}; its time stamp is not checked here`)
      : { ...invalid(reason, 'time stamp'), signer };
  }
  const trusting = judging.trust.notation.filter(({ authorities }) => endsAt(jws.chain, authorities));
  if (trusting.length === 0) {
    const names = judging.trust.notation.map(({ name }) => name).join(' or ');
    return untrusted(
      `expected an authority of ${names}, found issuer ${(leaf.issuer ?? '').split('\n').join(', ').slice(0, 256)}`,
      'certificate chain',
      signer,
    );
  }
  return judgeIdentity(trusting, leaf, judging.repository, signer);
}

function judgeIdentity(
  stores: readonly NotationStore[],
  leaf: X509Certificate,
  repository: string,
  signer: Signer,
): Verdict {
  const attributes = subjectAttributes(leaf.subject ?? '');
  const isNamed = ({ identities }: NotationStore): boolean =>
    identities.some((asked) => asked === 'any' || (attributes !== undefined && isSubset(asked, attributes)));
  const named = stores.filter(isNamed);
  if (named.length === 0) {
    const expected = stores
      .flatMap(({ identityTexts }) => identityTexts)
      .slice(0, 3)
      .join(' or ');
    return untrusted(
      `expected ${expected}, found ${(leaf.subject ?? '').split('\n').join(', ').slice(0, 512)}`,
      'identity',
      signer,
    );
  }
  const store = named.find(({ images }) => mayBeOf(images, repository));
  if (store === undefined) {
    const allowed = named
      .flatMap(({ images }) => images ?? [])
      .slice(0, 5)
      .join(' or ');
    return untrusted(
      `${signer.name} may not sign this repository: expected ${allowed}, found ${repository}`,
      'identity',
      signer,
    );
  }
  return {
    outcome: 'verified',
    reason: `signed by ${signer.name}, proven by the authorities of ${store.name}; revocation was not asked for`,
    signer: { ...signer, identity: store.name, root: store.name },
  };
}

function unsupported(reason: string): Verdict {
  return { outcome: 'unknown', reason: `format: ${reason}`, signer: undefined, failedStep: 'format' };
}

/** Leaf first, each issued by the next, all but the leaf authorities. */
function chainProblem(chain: readonly X509Certificate[]): string | undefined {
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1];
    if (issuer === undefined) return undefined;
    if (!issuer.ca) return `certificate ${index + 2} of the chain is no authority`;
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey))
      return `certificate ${index + 1} of the chain was not issued by the next one`;
  }
  return undefined;
}

/** https://github.com/notaryproject/specifications/blob/main/specs/signature-specification.md#certificate-requirements */
function leafProblem(leaf: X509Certificate): string | undefined {
  if (leaf.ca) return 'the signer’s certificate is that of an authority';
  const purposes = leaf.keyUsage as readonly string[] | undefined;
  if (purposes !== undefined && !(purposes.length === 1 && purposes[0] === codeSigning))
    return `expected a certificate for code signing only, found purposes ${purposes.slice(0, 5).join(', ')}`;
  try {
    if (!isCheapDer(leaf.raw)) return 'the signer’s certificate is nested more than any needs';
    if (SigstoreCertificate.parse(Buffer.from(leaf.raw)).extKeyUsage?.digitalSignature === true) return undefined;
  } catch {
    return 'the signer’s certificate cannot be read';
  }
  return 'the signer’s certificate is not for digital signatures';
}

function isValidAt(certificate: X509Certificate, unixMs: number): boolean {
  return certificate.validFromDate.getTime() <= unixMs && unixMs <= certificate.validToDate.getTime();
}

/** Whether one of the chain is an authority of the store, or its last one was issued by one. */
function endsAt(chain: readonly X509Certificate[], authorities: readonly X509Certificate[]): boolean {
  const last = chain[chain.length - 1];
  return authorities.some(
    (authority) =>
      chain.some(({ fingerprint256 }) => fingerprint256 === authority.fingerprint256) ||
      (authority.ca && last?.checkIssued(authority) === true && last.verify(authority.publicKey)),
  );
}

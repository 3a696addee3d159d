import type { X509Certificate } from '@sigstore/core';
import type { FulcioClaims } from '../papers.ts';

const arc = '1.3.6.1.4.1.57264.1';
const [otherNameTag, emailTag, uriTag] = [0, 1, 6] as const;
const maxClaimCharacters = 2048;

/** Reads what Fulcio put into a certificate. Throws when the subject is ambiguous or the DER is malformed. */
export function fulcioClaims(certificate: X509Certificate): FulcioClaims {
  const claim = (suffix: number): string | undefined => textOf(certificate, suffix);
  return {
    subject: subjectOf(certificate),
    issuer: claim(8) ?? rawOf(certificate, 1),
    buildSignerUri: claim(9),
    buildSignerDigest: claim(10),
    runnerEnvironment: claim(11),
    sourceRepositoryUri: claim(12),
    sourceRepositoryDigest: claim(13),
    sourceRepositoryRef: claim(14),
    sourceRepositoryId: claim(15),
    sourceRepositoryOwnerUri: claim(16),
    sourceRepositoryOwnerId: claim(17),
    buildConfigUri: claim(18),
    buildConfigDigest: claim(19),
    buildTrigger: claim(20),
    runInvocationUri: claim(21),
    sourceRepositoryVisibility: claim(22),
    deploymentEnvironment: claim(23),
  };
}

/**
 * Fulcio writes exactly one name; with several it would be open which one is meant. Its bytes are read here, since the
 * library's text drops their highest bit, which makes other letters of some.
 */
function subjectOf(certificate: X509Certificate): string | undefined {
  const names = certificate.extension('2.5.29.17')?.valueObj.subs[0]?.subs ?? [];
  const [name] = names;
  if (names.length > 1) throw new Error(`the certificate has ${names.length} subject names`);
  if (name === undefined) return undefined;
  if (name.tag.isContextSpecific(otherNameTag)) return bounded(otherName(certificate));
  if (!name.tag.isContextSpecific(emailTag) && !name.tag.isContextSpecific(uriTag)) return undefined;
  if (name.value.some((byte) => byte > 0x7f)) throw new Error('the subject name is no ASCII');
  return bounded(name.value.toString('latin1'));
}

/** Of a user without e-mail address: https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md */
function otherName(certificate: X509Certificate): string | undefined {
  const text = certificate.extSubjectAltName?.otherName(`${arc}.7`);
  return text !== undefined && /^[ -~]+$/.test(text) ? text : undefined;
}

/** From .8 on, claims are DER strings inside the extension. */
function textOf(certificate: X509Certificate, suffix: number): string | undefined {
  return bounded(certificate.extension(`${arc}.${suffix}`)?.valueObj.subs[0]?.value.toString('utf8'));
}

function rawOf(certificate: X509Certificate, suffix: number): string | undefined {
  return bounded(certificate.extension(`${arc}.${suffix}`)?.value.toString('utf8'));
}

/** What is too long is not shortened: half a claim could equal what it is compared with. */
function bounded(text: string | undefined): string | undefined {
  if (text !== undefined && text.length > maxClaimCharacters) throw new Error('a claim is too long');
  return text;
}

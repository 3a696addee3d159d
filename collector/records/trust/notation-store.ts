import { createHash, X509Certificate } from 'node:crypto';
import { CodedError, errorText } from '../../../common/errors.ts';
import { type DistinguishedName, parseDistinguishedName } from './distinguished-name.ts';
import { readTrustFile } from './trust-file.ts';
import type { TrustDocument } from './trust-schema.ts';

/** Authorities and signers whose Notation signatures count. */
export interface NotationStore {
  name: string;
  authorities: readonly X509Certificate[];
  /** Attributes that the signer's subject has to have, one set per identity; 'any' for "*". */
  identities: readonly (DistinguishedName | 'any')[];
  /** The identities as the policy has them. */
  identityTexts: readonly string[];
  images: readonly string[] | undefined;
  hash: string;
}

const prefix = 'x509.subject:';

/** Reads the authorities' certificates. Throws CodedError TRUST_NOTATION_UNUSABLE that names the file and what is wrong. */
export function loadNotationStore(entry: TrustDocument['notation'][number]): NotationStore {
  const { name, caFiles, identities, images } = entry;
  const authorities = caFiles.flatMap((file) => readCertificates(name, file));
  const parsed = identities.map((text) => parseIdentity(name, text));
  const hash = createHash('sha256')
    .update(JSON.stringify([name, authorities.map(({ fingerprint256 }) => fingerprint256), identities, images]))
    .digest('hex');
  return { name, authorities, identities: parsed, identityTexts: identities, images, hash };
}

function readCertificates(name: string, file: string): X509Certificate[] {
  const text = readTrustFile(file, `notation store ${name}`, 'TRUST_NOTATION_UNUSABLE').toString('utf8');
  const refuse = (why: string): CodedError =>
    new CodedError('TRUST_NOTATION_UNUSABLE', `notation store ${name}: ${file} cannot be used: ${why}`, {
      hint: 'give the certificates of the authorities in PEM form',
    });
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw refuse('it has no PEM block "CERTIFICATE"');
  return blocks.map((pem, index) => {
    try {
      return new X509Certificate(pem);
    } catch (error) {
      throw refuse(`certificate ${index + 1} in it is malformed (${errorText(error)})`);
    }
  });
}

function parseIdentity(name: string, text: string): DistinguishedName | 'any' {
  if (text === '*') return 'any';
  const parsed = text.startsWith(prefix) ? parseDistinguishedName(text.slice(prefix.length)) : undefined;
  if (parsed === undefined || parsed.size === 0)
    throw new CodedError(
      'TRUST_NOTATION_UNUSABLE',
      `notation store ${name}: the identity ${JSON.stringify(text)} cannot be read`,
      { hint: 'write it as in "x509.subject: C=US, ST=WA, O=Acme", or "*" for any certificate of the authorities' },
    );
  return parsed;
}

import { createHash } from 'node:crypto';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { type TrustMaterial, toTrustMaterial } from '@sigstore/verify';
import { CodedError, errorText } from '../../../common/errors.ts';
import { readTrustFile } from './trust-file.ts';
import type { TrustDocument } from './trust-schema.ts';

/** One sigstore deployment whose certificates count: authorities, logs, and how many proofs it takes. */
export interface TrustRoot {
  name: string;
  material: TrustMaterial;
  /** Log entries, trusted times and signed certificate timestamps that a signature needs at least. */
  tlogThreshold: number;
  timestampThreshold: number;
  ctlogThreshold: number;
  /** Over the file and the thresholds. */
  hash: string;
}

const hint = 'give a trusted_root.json, as `cosign trusted-root create` or `gh attestation trusted-root` write it';

/** Reads a pinned trusted_root.json. Throws CodedError TRUST_ROOT_UNUSABLE that names the file and what is wrong. */
export function loadTrustRoot(entry: TrustDocument['roots'][number]): TrustRoot {
  const bytes = readTrustFile(entry.file, `trust root ${entry.name}`, 'TRUST_ROOT_UNUSABLE');
  return trustRootOf(bytes, entry);
}

/** As loadTrustRoot, from the file's bytes. */
export function trustRootOf(bytes: Uint8Array, entry: TrustDocument['roots'][number]): TrustRoot {
  const { name, file, tlogThreshold, timestampThreshold, ctlogThreshold } = entry;
  const refuse = (why: string): CodedError =>
    new CodedError('TRUST_ROOT_UNUSABLE', `trust root ${name} (${file}) cannot be used: ${why}`, { hint });
  const material = parseMaterial(bytes, refuse);
  const { certificateAuthorities, timestampAuthorities, tlogs, ctlogs } = material;
  if (certificateAuthorities.length === 0) throw refuse('it has no certificate authority');
  if (ctlogThreshold > 0 && ctlogs.length === 0)
    throw refuse(
      'it has no certificate transparency log, but ctlogThreshold asks for its timestamps; set it to 0 if there is none',
    );
  if (tlogThreshold > 0 && tlogs.length === 0)
    throw refuse('it has no transparency log, but tlogThreshold asks for its entries; set it to 0 if there is none');
  if (tlogs.length === 0 && timestampAuthorities.length === 0)
    throw refuse('it has neither a transparency log nor a time stamp authority, so no time could be trusted');
  const thresholds = { tlogThreshold, timestampThreshold, ctlogThreshold };
  const hash = createHash('sha256').update(JSON.stringify(thresholds)).update(bytes).digest('hex');
  return { name, material, ...thresholds, hash };
}

function parseMaterial(bytes: Uint8Array, refuse: (why: string) => CodedError): TrustMaterial {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw refuse(`it is no JSON (${errorText(error)})`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw refuse('it is no JSON object');
  if (!/^application\/vnd\.dev\.sigstore\.trustedroot[.+]/.test(String((json as { mediaType?: unknown }).mediaType)))
    throw refuse('its mediaType is not that of a sigstore trusted root');
  try {
    const material = toTrustMaterial(TrustedRoot.fromJSON(json), () => {
      throw new Error('a trust root names no keys of signers');
    });
    const authorities = [...material.certificateAuthorities, ...material.timestampAuthorities];
    if (authorities.some(({ certChain }) => certChain.length === 0)) throw new Error('an authority has no certificate');
    const periods = [...authorities, ...material.tlogs, ...material.ctlogs].flatMap(({ validFor }) => [
      validFor.start,
      validFor.end,
    ]);
    if (periods.some((date) => Number.isNaN(date.getTime()))) throw new Error('a validity period is no date');
    return material;
  } catch (error) {
    throw refuse(`it is malformed (${errorText(error)})`);
  }
}

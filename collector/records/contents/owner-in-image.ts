import type { ImageRecords, Ownership } from '../papers.ts';

/**
 * Which package owns a file of the image: as its inventory found, since that has every file and link of the image, and
 * where the inventory names nobody, as its SBOM declares. `sha256` in hex when known.
 */
export function ownerInImage(records: ImageRecords, path: string, sha256?: string): Ownership {
  const { inventory, sbom } = records;
  const found = inventory?.ownerOf(path, sha256);
  if (found?.state === 'owned' || found?.state === 'not-in-image') return found;
  const declared = sbom?.ownerOf(path, sha256);
  if (found === undefined) return declared ?? { state: 'no-ownership-data', path, reason: noContentsReason(records) };
  if (declared?.state === 'owned') {
    const { canonicalPath, layerDigest } = found;
    return { ...declared, canonicalPath, layerDigest: layerDigest ?? declared.layerDigest };
  }
  return found.state === 'no-ownership-data' && declared?.state === 'unowned' ? declared : found;
}

function noContentsReason(records: ImageRecords): string {
  const { outcome, reason } = records.papers.sbom;
  if (outcome === 'absent') return 'the image has no SBOM, and no inventory of it was taken';
  return reason === '' ? `SBOM ${outcome}` : `SBOM ${outcome}: ${reason}`;
}

import { ExecutableLayer, type ProcessExecution } from '../../proto/generated/tallyman/v1/process.ts';
import type { Confidence, ImageRecords, Ownership } from '../records/papers.ts';

/**
 * Which package the acting executable belongs to; undefined when the finding has no process. For a script the executable
 * is its interpreter. What was not in the image cannot be owned by a package of the image, whatever its path says.
 */
export function ownershipOf(acting: ProcessExecution | undefined, records: ImageRecords): Ownership | undefined {
  if (acting === undefined) return undefined;
  const executable = acting.executable;
  if (executable === undefined || executable.path === '')
    return { state: 'no-ownership-data', path: '', reason: 'the path of the executable is not known' };
  const reason = notInImageReason(executable.layer);
  if (reason !== undefined) return { state: 'not-in-image', path: executable.path, reason };
  if (records.sbom === undefined)
    return { state: 'no-ownership-data', path: executable.path, reason: noSbomReason(records) };
  const ownership = records.sbom.ownerOf(executable.path);
  if (executable.layer === ExecutableLayer.IMAGE || ownership.state !== 'owned') return ownership;
  // The layer cannot be told, so the file may have been replaced at run time.
  return { ...ownership, confidence: lowered[ownership.confidence] };
}

const lowered = { high: 'medium', medium: 'low', low: 'low' } as const satisfies Record<Confidence, Confidence>;

function notInImageReason(layer: ExecutableLayer): string | undefined {
  switch (layer) {
    case ExecutableLayer.WRITABLE:
      return "written or changed at run time, in the container's writable layer";
    case ExecutableLayer.TMPFS:
      return 'lies in a tmpfs: written at run time, in memory';
    case ExecutableLayer.MEMFD:
      return 'has no file at all: runs from a memfd';
    case ExecutableLayer.MOUNT:
      return 'lies in a volume or bind mount, not in the image';
    default:
      return undefined;
  }
}

function noSbomReason(records: ImageRecords): string {
  const { outcome, reason } = records.papers.sbom;
  if (outcome === 'absent') return 'the image has no SBOM';
  return reason === '' ? `SBOM ${outcome}` : `SBOM ${outcome}: ${reason}`;
}

import { posix } from 'node:path';
import type { FileEvidence } from '../../../proto/generated/tallyman/v1/finding.ts';
import { jsonNumber } from './text.ts';

const fileTypes: Record<string, number> = {
  regular: 1,
  directory: 2,
  'character-device': 3,
  'block-device': 4,
  socket: 5,
  fifo: 6,
  symlink: 7,
};
const executableFile = 8;
const executeBits = 0o111;

/** OCSF `file` of an evidence. @see https://schema.ocsf.io/1.8.0/objects/file */
export function ocsfFile(evidence: FileEvidence): object {
  const { path, fileType, mode = 0, sizeBytes } = evidence;
  const isExecutable = fileType === 'regular' && (mode & executeBits) !== 0;
  return {
    name: posix.basename(path) || path,
    path,
    type_id: isExecutable ? executableFile : (fileTypes[fileType] ?? 0),
    size: sizeBytes === undefined ? undefined : jsonNumber(sizeBytes),
  };
}

/** What OCSF's file object has no place for. */
export function fileData(evidence: FileEvidence): object {
  return {
    operation: evidence.operation,
    category: evidence.category,
    watched_path: evidence.watchedPath,
    target: evidence.target || undefined,
    target_category: evidence.targetCategory || undefined,
    mode: evidence.mode === undefined ? undefined : evidence.mode.toString(8).padStart(4, '0'),
    count: jsonNumber(evidence.count),
  };
}

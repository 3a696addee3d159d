import { CodedError } from '../../common/errors.ts';

/** One event of a fanotify group that reports file identities and names. Identities are as `identityOf` writes them. */
export interface FanotifyEvent {
  /** Bits of `Fan`; events on one file by one process that waited together are one. */
  mask: number;
  /** Process (thread group) that acted; 0 when it is outside the agent's pid namespace. */
  pid: number;
  /** The file itself, where the kernel tells it. */
  file: string;
  /** Directory and name by which it was reached; for a rename, where it went. */
  directory: string;
  name: string;
  /** For a rename: where it was. Empty when that directory is not watched. */
  oldDirectory: string;
  oldName: string;
  /** Of the file itself, to be closed by whoever takes it; -1 where the group tells identities. */
  fd: number;
}

const metadataVersion = 3;
const metadataBytes = 24;
const infoHeaderBytes = 4;
const fsidBytes = 8;
const handleHeaderBytes = 8;
const InfoType = { file: 1, directoryAndName: 2, directory: 3, oldDirectoryAndName: 10, newDirectoryAndName: 12 };

/**
 * Decodes what one read of a group answered. A batch that contradicts itself is given up from that event on.
 * @see https://man7.org/linux/man-pages/man7/fanotify.7.html
 * @throws {CodedError} FANOTIFY_INVALID
 */
export function decodeFanotify(batch: Buffer, onEvent: (event: FanotifyEvent) => void): void {
  let at = 0;
  while (at < batch.length) {
    const left = batch.length - at;
    if (left < metadataBytes) throw invalid(at, `${left} bytes are no event`);
    const length = batch.readUInt32LE(at);
    const version = batch.readUInt8(at + 4);
    const headerLength = batch.readUInt16LE(at + 6);
    if (version !== metadataVersion) throw invalid(at, `version ${version} is not ${metadataVersion}`);
    if (length > left || headerLength < metadataBytes || headerLength > length)
      throw invalid(at, `length ${length}, header ${headerLength}, of ${left} bytes`);
    onEvent(decodeEvent(batch, at, at + headerLength, at + length));
    at += length;
  }
}

function decodeEvent(batch: Buffer, start: number, infoStart: number, end: number): FanotifyEvent {
  const event: FanotifyEvent = {
    mask: batch.readUInt32LE(start + 8),
    pid: batch.readInt32LE(start + 20),
    ...{ file: '', directory: '', name: '', oldDirectory: '', oldName: '' },
    fd: batch.readInt32LE(start + 16),
  };
  let at = infoStart;
  while (at < end) {
    if (end - at < infoHeaderBytes) throw invalid(at, 'an information record is cut off');
    const length = batch.readUInt16LE(at + 2);
    if (length < infoHeaderBytes || length > end - at) throw invalid(at, `an information record of ${length} bytes`);
    decodeInfo(batch, at, at + length, event);
    at += length;
  }
  return event;
}

function decodeInfo(batch: Buffer, start: number, end: number, event: FanotifyEvent): void {
  const type = batch.readUInt8(start);
  if (!Object.values(InfoType).includes(type)) return;
  const identityStart = start + infoHeaderBytes;
  const handleStart = identityStart + fsidBytes + handleHeaderBytes;
  if (handleStart > end) throw invalid(start, 'a file handle is cut off');
  const nameStart = handleStart + batch.readUInt32LE(identityStart + fsidBytes);
  if (nameStart > end) throw invalid(start, 'a file handle is longer than its record');
  const identity = batch.toString('hex', identityStart, nameStart);
  if (type === InfoType.file) event.file = identity;
  else if (type === InfoType.oldDirectoryAndName) {
    event.oldDirectory = identity;
    event.oldName = nameIn(batch, nameStart, end);
  } else {
    event.directory = identity;
    event.name = type === InfoType.directory ? '' : nameIn(batch, nameStart, end);
  }
}

/** Names end with a zero byte and are padded with more. */
function nameIn(batch: Buffer, start: number, end: number): string {
  const zero = batch.indexOf(0, start);
  return batch.toString('utf8', start, zero < 0 || zero > end ? end : zero);
}

function invalid(at: number, reason: string): CodedError {
  return new CodedError('FANOTIFY_INVALID', `fanotify event at byte ${at}: ${reason}`);
}

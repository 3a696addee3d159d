import { CodedError } from '../../../common/errors.ts';

export type StoreErrorCode =
  | 'store-unwritable'
  | 'store-in-use'
  | 'store-corrupt'
  | 'store-newer-schema'
  | 'store-disk-full'
  | 'store-io'
  | 'store-failed';

/** SQLite's result codes (https://sqlite.org/rescode.html) by what a person has to do about them; first match wins. */
const causes: readonly [prefix: string, code: StoreErrorCode, what: string, hint: string][] = [
  [
    'SQLITE_FULL',
    'store-disk-full',
    'no space left',
    'free space on that file system or raise the size bound of the store',
  ],
  ['SQLITE_IOERR_CORRUPTFS', 'store-corrupt', 'file system is corrupt', 'check the file system'],
  ['SQLITE_IOERR', 'store-io', 'reading or writing failed', 'check the disk (dmesg) and free space'],
  [
    'SQLITE_CORRUPT',
    'store-corrupt',
    'file is damaged',
    'move the file away (an empty one is made) or restore a backup',
  ],
  ['SQLITE_NOTADB', 'store-corrupt', 'file is not a SQLite database', 'move the file away; an empty one is made'],
  ['SQLITE_READONLY', 'store-unwritable', 'file is read-only', 'give the collector write access to file and directory'],
  [
    'SQLITE_CANTOPEN',
    'store-unwritable',
    'file cannot be opened',
    'give the collector write access to file and directory',
  ],
  ['SQLITE_PERM', 'store-unwritable', 'access denied', 'give the collector write access to file and directory'],
  [
    'SQLITE_BUSY',
    'store-in-use',
    'file is in use by another process',
    'stop the other collector or use another data directory',
  ],
];

/** Turns whatever the driver or the file system threw into an error that names file, reason and remedy. */
export function toStoreError(file: string, action: string, thrown: unknown): CodedError<StoreErrorCode> {
  if (thrown instanceof CodedError) return thrown as CodedError<StoreErrorCode>;
  const code = driverCode(thrown);
  for (const [prefix, storeCode, what, hint] of causes)
    if (code.startsWith(prefix))
      return new CodedError(storeCode, `${file}: ${action}: ${what}`, { cause: thrown, hint });
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'].includes(code))
    return new CodedError('store-unwritable', `${file}: ${action}`, {
      cause: thrown,
      hint: 'choose a data directory the collector may write to',
    });
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new CodedError('store-disk-full', `${file}: ${action}`, {
      cause: thrown,
      hint: 'free space on that file system',
    });
  return new CodedError('store-failed', `${file}: ${action}`, { cause: thrown });
}

function driverCode(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return '';
  return typeof thrown.code === 'string' ? thrown.code : '';
}

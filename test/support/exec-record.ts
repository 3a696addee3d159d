import {
  ExecFlag,
  execRecordBytes,
  execRecordOffsets,
  executableFileOffsets,
  RecordType,
  stdioSocketBytes,
  stdioSocketOffsets,
} from '../../agent/decode/layout.generated.ts';

export interface ExecRecordParts {
  /** Components, leaf first, each ended by NUL. */
  path?: string;
  filename?: string;
  interpreter?: string;
  argv?: string;
  cwd?: string;
  /** Names of unix sockets' other ends; each makes its descriptor a unix socket. */
  sockets?: string[];
  flags?: number;
  fileFlags?: number;
}

/** The bytes of an exec record, as the BPF program writes them. Strings are Latin-1: any byte can be said. */
export function execRecordOf(parts: ExecRecordParts): DataView {
  const strings = [parts.path, parts.filename, parts.interpreter, parts.argv, parts.cwd].map((text) =>
    Buffer.from(text ?? '', 'latin1'),
  );
  const sockets = (parts.sockets ?? []).map((name) => Buffer.from(name, 'latin1'));
  const bytes = Buffer.concat([...strings, ...sockets]);
  const view = new DataView(new ArrayBuffer(execRecordBytes + bytes.length));
  view.setUint32(0, RecordType.RECORD_EXEC, true);
  view.setUint32(4, view.byteLength, true);
  const { pathSize, filenameSize, interpreterSize, argvSize, cwdSize } = execRecordOffsets;
  for (const [index, at] of [pathSize, filenameSize, interpreterSize, argvSize, cwdSize].entries())
    view.setUint32(at, strings[index]?.length ?? 0, true);
  for (const [fd, name] of sockets.entries()) {
    const at = execRecordOffsets.stdio + fd * stdioSocketBytes;
    view.setUint32(at + stdioSocketOffsets.isSocket, 1, true);
    view.setUint16(at + stdioSocketOffsets.family, 1, true);
    view.setUint32(at + stdioSocketOffsets.peerNameSize, name.length, true);
  }
  view.setUint32(execRecordOffsets.flags, parts.flags ?? ExecFlag.EXEC_BEFORE_KNOWN, true);
  view.setUint32(execRecordOffsets.file + executableFileOffsets.flags, parts.fileFlags ?? 0, true);
  new Uint8Array(view.buffer, execRecordBytes).set(bytes);
  return view;
}

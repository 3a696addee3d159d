import type { Program, ProgramFacts } from './program.ts';

/** Programs that do what they are told with any file or address: show, copy, change, encode, pack or send it. */
const utilities: ReadonlySet<string> = new Set(
  [
    'awk base32 base64 bzip2 cat cksum comm cp cpio cut dd diff ed egrep env expand fgrep find fold gawk grep gzip head hexdump',
    'install join jq less ln mawk md5sum more mv nano nl od openssl paste printenv rev sed sha1sum sha256sum shuf sort split',
    'strings tac tail tar tee tr uniq unzip vi vim vim.basic vim.tiny view wc xargs xxd xz zip zstd',
    'aria2c curl ftp lftp nc nc.openbsd nc.traditional ncat netcat rclone rsync s3cmd scp sftp socat ssh telnet tftp wget wget2',
  ].flatMap((names) => names.split(' ')),
);

/** Options after which an interpreter takes its program from the command line. */
const codeOptions: ReadonlySet<string> = new Set([
  '-c',
  '-e',
  '-E',
  '-r',
  '-p',
  '-pe',
  '-ne',
  '--eval',
  '--print',
  '--run',
]);

/** An interpreter that was given its program on the command line: `python3 -c …`, `perl -e …`, `php -r …`. */
export function hasInlineCode({ isInterpreter, script }: Program, { argv }: Pick<ProgramFacts, 'argv'>): boolean {
  return isInterpreter && script === '' && argv.slice(1).some((argument) => codeOptions.has(argument));
}

/** By the executable's name, which for busybox is the applet's. */
export function isUtility(program: Program): boolean {
  return utilities.has(program.name);
}

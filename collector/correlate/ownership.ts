import { baseName } from '../../common/program-name.ts';
import { ExecutableLayer, type ProcessExecution } from '../../proto/generated/tallyman/v1/process.ts';
import { ownerInImage } from '../records/contents/owner-in-image.ts';
import type { Confidence, ImageRecords, Ownership } from '../records/papers.ts';
import { normalizePath } from '../records/sbom/path.ts';

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
  const ownership = ownerInImage(records, executable.path);
  // Where the layer cannot be told, the file may have been replaced at run time.
  return executable.layer === ExecutableLayer.IMAGE ? ownership : lessSure(ownership);
}

/** Programs that run what their first argument names. */
const interpreters =
  /^(?:(?:ba|da|a|z|k|c|tc|fi)?sh|python[\d.]*|pypy[\d.]*|perl[\d.]*|ruby[\d.]*|node|nodejs|deno|bun|php[\d.]*|lua[\d.]*|tclsh[\d.]*|Rscript|[gmn]?awk)$/;

/**
 * Which package the script belongs to that the acting program interprets; undefined when it interprets none. Of scripts
 * no layer is told, so they may have been written at run time: the answer is less sure than that for programs.
 */
export function scriptOwnershipOf(acting: ProcessExecution | undefined, records: ImageRecords): Ownership | undefined {
  const script = acting === undefined ? undefined : scriptOf(acting);
  if (script === undefined || acting === undefined) return undefined;
  const path = script.startsWith('/') ? script : `${acting.cwd}/${script}`;
  const normal = path.startsWith('/') ? normalizePath(path) : undefined;
  if (normal === undefined)
    return {
      state: 'no-ownership-data',
      path: script,
      reason: 'the directory that the script was named in is not known',
    };
  return lessSure(ownerInImage(records, normal));
}

/** The script that execve(2) was given, else the file that a known interpreter was told as its first argument. */
function scriptOf({ interpreter, filename, executable, argv }: ProcessExecution): string | undefined {
  if (interpreter !== '' && filename !== '') return filename;
  const argument = argv[1] ?? '';
  const isFile = argument !== '' && !argument.startsWith('-');
  return isFile && interpreters.test(baseName(executable?.path ?? '')) ? argument : undefined;
}

const lowered = { high: 'medium', medium: 'low', low: 'low' } as const satisfies Record<Confidence, Confidence>;

function lessSure(ownership: Ownership): Ownership {
  return ownership.state === 'owned' ? { ...ownership, confidence: lowered[ownership.confidence] } : ownership;
}

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

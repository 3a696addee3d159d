import { ContentsStore } from '../../collector/records/contents/contents-store.ts';
import { encodeContentsNow } from '../../collector/records/contents/encode.ts';
import { imageContents, realisticShape } from '../lib/image-contents.ts';
import { printTable } from '../lib/table.ts';

/** Making the index of an image, and asking it whose a file is. */
export async function benchOwnership(): Promise<void> {
  const large = { ...realisticShape, basePackages: 932, baseFiles: 110_000 };
  printTable(
    ['whose a file is', '20 000 files', '116 000 files'],
    transposed([measure(realisticShape), measure(large)]),
  );
}

function transposed(columns: readonly (readonly [string, string][])[]): string[][] {
  return (columns[0] ?? []).map(([what], at) => [what, ...columns.map((column) => column[at]?.[1] ?? '')]);
}

function measure(shape: typeof realisticShape): [string, string][] {
  const contents = imageContents(shape.baseFiles === realisticShape.baseFiles ? 1 : 2, shape);
  const started = performance.now();
  const encoded = encodeContentsNow(contents);
  const builtMs = performance.now() - started;
  const bytes = encoded.chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0);
  const index = new ContentsStore({ cache: undefined }).hold(['sha256:x'], 'inventory', encoded);
  const paths = contents.files.map(({ path }) => path);
  const asked = Array.from({ length: 50_000 }, (_, at) => paths[(at * 7_919) % paths.length] ?? '');
  return [
    ['index made in', `${builtMs.toFixed(0)} ms`],
    ['index in memory', `${(bytes / 1024 / 1024).toFixed(1)} MiB`],
    ['look-ups of files', perSecond(asked, (path) => index.ownerOf(path))],
    ['look-ups of missing files', perSecond(asked, (path) => index.ownerOf(`${path}x`))],
    [
      'look-ups by hash, not found',
      perSecond(asked.slice(0, 200), (path) => index.ownerOf(`${path}x`, 'f'.repeat(64))),
    ],
  ];
}

function perSecond(paths: readonly string[], ask: (path: string) => unknown): string {
  for (const path of paths.slice(0, 1_000)) ask(path);
  const started = performance.now();
  for (const path of paths) ask(path);
  return `${Math.round(paths.length / ((performance.now() - started) / 1_000))
    .toLocaleString('en')
    .replaceAll(',', ' ')}/s`;
}

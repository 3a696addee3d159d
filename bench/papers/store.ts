import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ContentsStore } from '../../collector/records/contents/contents-store.ts';
import { encodeContentsNow } from '../../collector/records/contents/encode.ts';
import { createSqliteStore } from '../../collector/store/sqlite/sqlite-store.ts';
import type { Store } from '../../collector/store/store.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { type ImageShape, imageContents, realisticShape } from '../lib/image-contents.ts';
import { printTable } from '../lib/table.ts';

const mebibyte = 1024 * 1024;

interface Opened {
  store: Store;
  contents: ContentsStore;
  file: string;
}

/** Size and time of images in the store, what more come to, and how long it takes to find images by package. */
export async function benchStore(images = 600, queriedImages = 10_000): Promise<void> {
  await withStore(async (opened) => {
    const written = await write(opened, images, realisticShape);
    const half = written.bytesAtHalf;
    const each = (written.bytes - half) / (images / 2);
    printTable(
      ['contents of images: 500 packages, 20 000 files each, 20 bases', 'value'],
      [
        [`database of ${images} images`, `${(written.bytes / mebibyte).toFixed(0)} MiB`],
        ['each further image', `${(each / 1024).toFixed(1)} KiB`],
        ['1 000 images, extrapolated', `${((written.bytes + each * (1_000 - images)) / mebibyte).toFixed(0)} MiB`],
        ['10 000 images, extrapolated', `${((written.bytes + each * (10_000 - images)) / mebibyte).toFixed(0)} MiB`],
        ['time to store an image', `${((written.seconds * 1000) / images).toFixed(1)} ms`],
        ['longest pause of the event loop meanwhile', `${written.longestPauseMs.toFixed(0)} ms`],
        ['an image from disk, first question', `${coldMs(opened, images).toFixed(1)} ms`],
      ],
    );
  });
  await withStore(async (opened) => {
    await writePackages(opened, queriedImages);
    const ask = (what: string, query: Parameters<Store['imagesWithPackage']>[0]): string[] => {
      const started = performance.now();
      const found = opened.store.imagesWithPackage(query, queriedImages).length;
      return [what, `${found}`, `${(performance.now() - started).toFixed(2)} ms`];
    };
    const own = imageContents(4_321, realisticShape).components.at(-1);
    printTable(
      [`which of ${queriedImages} images contain a package`, 'images', 'time'],
      [
        ask('one version, by purl', { purl: own?.purl ?? '' }),
        ask('one version of a base package', { name: 'libexample7', version: '1.7-0' }),
        ask('any version of a package in all of them', { name: 'libexample7' }),
        ask('a package that none has', { name: 'nothing' }),
      ],
    );
  });
}

async function write({ contents, file }: Opened, images: number, shape: ImageShape) {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  let seconds = 0;
  let bytesAtHalf = 0;
  let longestPauseMs = 0;
  for (let number = 0; number < images; number++) {
    const made = imageContents(number, shape);
    delay.reset();
    delay.enable();
    const started = performance.now();
    await contents.put([`sha256:${String(number).padStart(64, '0')}`], 'inventory', made);
    seconds += (performance.now() - started) / 1_000;
    delay.disable();
    longestPauseMs = Math.max(longestPauseMs, delay.max / 1e6);
    if (number + 1 === Math.floor(images / 2)) bytesAtHalf = sizeOf(file);
  }
  return { seconds, bytes: sizeOf(file), bytesAtHalf, longestPauseMs };
}

/** Images without files: bases are encoded once, since only what is in the database counts here. */
async function writePackages({ contents }: Opened, images: number): Promise<void> {
  const shape = { ...realisticShape, baseFiles: 0, ownFiles: 0, replacedFiles: 0 };
  const bases = Array.from({ length: shape.baseImages }, (_, base) =>
    encodeContentsNow(imageContents(base, { ...shape, ownPackages: 0 })),
  );
  for (let number = 0; number < images; number++) {
    const base = bases[number % shape.baseImages]!;
    const own = encodeContentsNow(imageContents(number, { ...shape, basePackages: 0 }));
    const layers = [...base.head.layers, ...own.head.layers];
    const head = { ...own.head, packageCount: base.head.packageCount + own.head.packageCount, layers };
    const name = `sha256:${String(number).padStart(64, '0')}`;
    await contents.putEncoded([name], 'inventory', { head, chunks: [...base.chunks, ...own.chunks] });
  }
}

/** The database without the log that is written back into it. */
const sizeOf = (file: string): number => statSync(file).size;

function coldMs({ store }: Opened, images: number): number {
  const times: number[] = [];
  for (let number = 0; number < Math.min(images, 50); number++) {
    const cold = new ContentsStore({ cache: store });
    const started = performance.now();
    const answer = cold
      .get(`sha256:${String(number).padStart(64, '0')}`, 'inventory')
      ?.ownerOf('/usr/share/doc/libexample2/file-2');
    times.push(performance.now() - started);
    if (answer === undefined) throw new Error(`image ${number} is not in the store`);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

async function withStore(work: (opened: Opened) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'tallyman-bench-'));
  const file = join(directory, 'tallyman.db');
  const store = createSqliteStore({ file, logger: silentLogger, metrics: new Metrics('collector') });
  try {
    await work({ store, contents: new ContentsStore({ cache: store }), file });
  } finally {
    store.close();
    rmSync(directory, { recursive: true });
  }
}

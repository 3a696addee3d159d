import { open, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { sleep } from '../../../common/backoff.ts';
import { Episode } from '../../../common/episode.ts';
import { errorText } from '../../../common/errors.ts';
import type { Logger } from '../../../common/logger.ts';
import type { Upload } from './upload.ts';
import { uploadLimits } from './upload.ts';
import type { Uploads } from './uploads.ts';

export interface PapersDirectoryOptions {
  directory: string;
  uploads: Uploads;
  /** How often it is looked; 10 s. Asked instead of told: events do not cross network file systems and ConfigMaps. */
  intervalMs?: number;
  logger: Logger;
}

interface SeenFile {
  /** Size, times and inode: what changes when a file does. */
  stamp: string;
  /** What it became; empty when it could not be used. */
  uploads: readonly Upload[];
}

const maxFiles = 20_000;
const maxDepth = 4;

/**
 * Papers as files, for hosts without a registry to ask. A file below a folder "sha256-<hex>", or with a name that starts so,
 * is about the image of that digest; other files say themselves what they are about. A file that is removed takes its paper
 * with it. Symbolic links are followed for files only, as ConfigMaps need it.
 */
export class PapersDirectory {
  readonly #options: PapersDirectoryOptions;
  readonly #episode: Episode;
  readonly #seen = new Map<string, SeenFile>();
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: PapersDirectoryOptions) {
    this.#options = options;
    this.#episode = new Episode(options.logger, `reading papers from ${options.directory}`);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.look();
        this.#episode.recovered();
      } catch (error) {
        this.#episode.failed(errorText(error));
      }
      await sleep(this.#options.intervalMs ?? 10_000, signal);
    }
  }

  /** One look at the whole directory. Rejects when it cannot be read; nothing is taken back then. */
  async look(): Promise<void> {
    const { directory, uploads } = this.#options;
    const paths = await listFiles(directory);
    const kept = new Set<string>();
    for (const path of paths) {
      if (this.#stopping.signal.aborted) return;
      await this.#take(path);
      for (const { imageDigest, documentDigest } of this.#seen.get(path)?.uploads ?? [])
        kept.add(`${imageDigest} ${documentDigest}`);
    }
    for (const path of [...this.#seen.keys()].filter((path) => !paths.includes(path))) this.#seen.delete(path);
    // Also what an earlier run took from files that are gone by now.
    for (const { origin, imageDigest, documentDigest } of uploads.list())
      if (origin === 'directory' && !kept.has(`${imageDigest} ${documentDigest}`))
        uploads.remove(imageDigest, documentDigest, Date.now());
  }

  async #take(path: string): Promise<void> {
    const { directory, uploads, logger } = this.#options;
    const name = relative(directory, path);
    try {
      const file = await open(path, 'r');
      try {
        const status = await file.stat();
        if (!status.isFile()) return;
        const stamp = [status.ino, status.size, status.mtimeMs, status.ctimeMs].join(' ');
        const before = this.#seen.get(path);
        if (before?.stamp === stamp) return;
        this.#seen.set(path, { stamp, uploads: before?.uploads ?? [] });
        if (status.size > uploadLimits.maxDocumentBytes)
          throw new Error(`it is larger than ${uploadLimits.maxDocumentBytes} bytes`);
        const bytes = await file.readFile();
        const made = uploads.add({ bytes, name, origin: 'directory', imageDigest: digestOfPath(name) }, Date.now());
        this.#seen.set(path, { stamp, uploads: made });
      } finally {
        await file.close();
      }
    } catch (error) {
      // Once per version of the file: it is looked at again when it changes.
      logger.error({ file: path }, `the paper ${name} cannot be used: ${errorText(error)}`);
    }
  }
}

/** "sha256-<hex>/sbom.json", "sha256-<hex>.spdx.json" */
function digestOfPath(name: string): string | undefined {
  const hex = /(?:^|\/)sha256-([0-9a-f]{64})(?=[/.])/.exec(name)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}

async function listFiles(directory: string): Promise<string[]> {
  const files: string[] = [];
  const queue = [{ path: directory, depth: 0 }];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const entries = await readdir(next.path, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      // Editors' and ConfigMaps' own files.
      if (entry.name.startsWith('.')) continue;
      const path = join(next.path, entry.name);
      if (entry.isDirectory()) {
        if (next.depth < maxDepth) queue.push({ path, depth: next.depth + 1 });
      } else if (entry.isFile() || entry.isSymbolicLink()) files.push(path);
      if (files.length > maxFiles) throw new Error(`there are more than ${maxFiles} files`);
    }
  }
  return files;
}

import { posix } from 'node:path';
import { baseName } from '../../common/program-name.ts';
import type { FileEvent } from '../decode/kernel-event.ts';

const setuidBit = 0o4000;
const setgidBit = 0o2000;
const executeBits = 0o111;

/** What a rule sees of what happened to a file. */
export class FileEventView {
  readonly kind = 'file';
  readonly #event: FileEvent;

  constructor(event: FileEvent) {
    this.#event = event;
  }

  get operation(): string {
    return this.#event.operation;
  }
  get path(): string {
    return this.#event.path;
  }
  get name(): string {
    return baseName(this.#event.path);
  }
  get directory(): string {
    return posix.dirname(this.#event.path);
  }
  get target(): string {
    return this.#event.target;
  }
  get targetCategory(): string {
    return this.#event.targetCategory;
  }
  get category(): string {
    return this.#event.category;
  }
  get watchedPath(): string {
    return this.#event.watchedPath;
  }
  get fileType(): string | undefined {
    return this.#event.fileType === 'unknown' ? undefined : this.#event.fileType;
  }
  get mode(): bigint | undefined {
    return this.#event.mode === undefined ? undefined : BigInt(this.#event.mode);
  }
  get executable(): boolean | undefined {
    return this.#regularWith(executeBits);
  }
  get setuid(): boolean | undefined {
    return this.#regularWith(setuidBit);
  }
  get setgid(): boolean | undefined {
    return this.#regularWith(setgidBit);
  }
  get sizeBytes(): bigint | undefined {
    return this.#event.sizeBytes === undefined ? undefined : BigInt(this.#event.sizeBytes);
  }

  #regularWith(bits: number): boolean | undefined {
    const { mode, fileType } = this.#event;
    return mode === undefined ? undefined : fileType === 'regular' && (mode & bits) !== 0;
  }
}

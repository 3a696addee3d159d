import { baseName } from '../../common/program-name.ts';
import type { Executable } from '../decode/kernel-event.ts';
import type { ProcessExecution } from '../process/process.ts';
import { present } from './present.ts';
import type { SentenceFacts } from './sentence-facts.ts';
import { ageOf, originOf, writerOf } from './sentences.ts';

/** What a rule sees of the file that was executed. */
export class ExecutableView {
  readonly #execution: ProcessExecution;
  readonly #facts: SentenceFacts;

  constructor(execution: ProcessExecution, facts: SentenceFacts) {
    this.#execution = execution;
    this.#facts = facts;
  }

  get path(): string | undefined {
    return present(this.#executable.path);
  }
  get name(): string | undefined {
    return present(baseName(this.#executable.path));
  }
  get pathTruncated(): boolean {
    return this.#executable.pathTruncated;
  }
  get layer(): string {
    return this.#executable.layer;
  }
  get unlinked(): boolean {
    return this.#executable.unlinked;
  }
  get device(): bigint {
    return BigInt(this.#executable.device);
  }
  get inode(): bigint {
    return this.#executable.inode;
  }
  get setuid(): boolean {
    return this.#executable.setuid;
  }
  get setgid(): boolean {
    return this.#executable.setgid;
  }
  get modifiedUnixNs(): bigint | undefined {
    return this.#executable.mtimeNs === 0n ? undefined : this.#executable.mtimeNs;
  }
  get changedUnixNs(): bigint | undefined {
    return this.#executable.ctimeNs === 0n ? undefined : this.#executable.ctimeNs;
  }
  get origin(): string {
    return originOf(this.#execution, this.#facts);
  }
  get writer(): string {
    return writerOf(this.#execution, this.#facts);
  }
  get age(): string {
    return ageOf(this.#execution, this.#facts);
  }

  get #executable(): Executable {
    return this.#execution.executable;
  }
}

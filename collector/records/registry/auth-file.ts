import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError, errorText } from '../../../common/errors.ts';
import { type DockerConfig, emptyDockerConfig, parseDockerConfig } from './docker-config.ts';

const maxFileBytes = 4 * 1024 * 1024;

/** A file of credentials that is read again when it has changed, as Kubernetes and `docker login` change it. */
export class AuthFile {
  readonly #path: string;
  readonly #isOptional: boolean;
  #mark = '';
  #config: DockerConfig = emptyDockerConfig;

  /** Throws CodedError DOCKER_CONFIG_UNREADABLE for a file that cannot be used. */
  constructor(path: string, need: 'required' | 'optional') {
    this.#path = path;
    this.#isOptional = need === 'optional';
    this.#readAgain();
  }

  /** What the file says; when it cannot be read any more, what it said last, and why. */
  read(): { config: DockerConfig; problem: string | undefined } {
    try {
      this.#readAgain();
      return { config: this.#config, problem: undefined };
    } catch (error) {
      return { config: this.#config, problem: errorText(error) };
    }
  }

  #readAgain(): void {
    let file = this.#path;
    try {
      if (statSync(file).isDirectory()) file = join(file, '.dockerconfigjson');
      const { mtimeMs, size, ino } = statSync(file);
      const mark = `${mtimeMs} ${size} ${ino}`;
      if (mark === this.#mark) return;
      if (size > maxFileBytes) throw new RangeError(`it is larger than ${maxFileBytes} bytes`);
      this.#config = parseDockerConfig(readFileSync(file, 'utf8'));
      this.#mark = mark;
    } catch (error) {
      if (this.#isOptional && (error as NodeJS.ErrnoException).code === 'ENOENT') {
        [this.#config, this.#mark] = [emptyDockerConfig, ''];
        return;
      }
      throw new CodedError('DOCKER_CONFIG_UNREADABLE', `cannot use ${file}`, {
        cause: error,
        hint: 'correct the file, run `docker login` again, or name another file',
      });
    }
  }
}

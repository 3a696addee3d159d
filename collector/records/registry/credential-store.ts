import { LRUCache } from 'lru-cache';
import { AuthFile } from './auth-file.ts';
import { askHelper, type HelperAnswer, type HelperOptions } from './credential-helper.ts';
import type { CredentialAnswer, CredentialStore, Credentials } from './credentials.ts';
import type { DockerConfig } from './docker-config.ts';
import { isDockerHub, type Repository } from './reference.ts';

export interface CredentialOptions extends HelperOptions {
  /** Docker's config.json; may be missing. */
  dockerConfig: string;
  /** Files with the content of `.dockerconfigjson`, or folders that have one, as Kubernetes mounts secrets. */
  pullSecrets?: readonly string[];
  nowMs?: () => number;
}

const helperAnswerMs = 5 * 60_000;
/** A helper that failed or knows nothing is asked again soon: somebody may be signing in. */
const helperRefusalMs = 30_000;

/**
 * Credentials from pull secrets, then from Docker's config.json: of a host's own helper, of the common one, of "auths".
 * Throws CodedError DOCKER_CONFIG_UNREADABLE when a file is there and cannot be used. Files are read again when they change.
 */
export function loadCredentials(options: CredentialOptions): CredentialStore {
  return new FileCredentials(options);
}

class FileCredentials implements CredentialStore {
  readonly #files: readonly AuthFile[];
  readonly #options: CredentialOptions;
  readonly #helpers = new LRUCache<string, { answer: Promise<HelperAnswer>; untilMs: number }>({ max: 256 });

  constructor(options: CredentialOptions) {
    this.#options = options;
    this.#files = [
      ...(options.pullSecrets ?? []).map((path) => new AuthFile(path, 'required')),
      new AuthFile(options.dockerConfig, 'optional'),
    ];
  }

  async find(repository: Repository): Promise<CredentialAnswer> {
    const problems: string[] = [];
    for (const file of this.#files) {
      const { config, problem } = file.read();
      if (problem !== undefined) problems.push(problem);
      const credentials =
        (await this.#fromHelper(config, repository.registry, problems)) ??
        config.authOf(repository.registry, repository.name);
      if (credentials !== undefined) return { credentials, problem: undefined };
    }
    return { credentials: undefined, problem: problems.length === 0 ? undefined : problems.join('; ') };
  }

  async #fromHelper(config: DockerConfig, registry: string, problems: string[]): Promise<Credentials | undefined> {
    const helper = config.helperOf(registry);
    if (helper === undefined) return undefined;
    const answer = await this.#ask(helper, isDockerHub(registry) ? 'https://index.docker.io/v1/' : registry);
    if (answer === 'none') return undefined;
    if ('credentials' in answer) return answer.credentials;
    problems.push(answer.problem);
    return undefined;
  }

  /** Questions about one host share one process. */
  #ask(helper: string, serverUrl: string): Promise<HelperAnswer> {
    const { nowMs = Date.now } = this.#options;
    const key = `${helper} ${serverUrl}`;
    const known = this.#helpers.get(key);
    if (known !== undefined && known.untilMs > nowMs()) return known.answer;
    const entry = { answer: askHelper(helper, serverUrl, this.#options), untilMs: Number.POSITIVE_INFINITY };
    this.#helpers.set(key, entry);
    void entry.answer.then((answer) => {
      const isAnswer = answer !== 'none' && 'credentials' in answer;
      entry.untilMs = nowMs() + (isAnswer ? helperAnswerMs : helperRefusalMs);
    });
    return entry.answer;
  }
}

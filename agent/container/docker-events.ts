import type { Readable } from 'node:stream';
import { Backoff, sleep } from '../../common/backoff.ts';
import { Episode } from '../../common/episode.ts';
import { CodedError, errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { DockerApi } from './docker-api.ts';
import type { DockerEvent } from './docker-container.ts';
import { JsonReader } from './json-reader.ts';

export interface DockerEventStreamOptions {
  api: DockerApi;
  logger: Logger;
  onEvent: (event: DockerEvent) => void;
  /** A line that is no event of a container. */
  onMalformed: (line: string) => void;
  /** After each (re)connect; the stream counts as connected when it resolves. */
  onConnected: () => Promise<void>;
  backoff?: Backoff;
}

const maxLineLength = 1024 * 1024;
const settledAfterMs = 5000;
const maxAttributes = 512;

/**
 * Docker's container events, without end: reconnects with the time of the last event seen. Docker repeats the events of
 * that very instant, which are dropped here; what it has forgotten, `onConnected` has to make up for by listing.
 */
export class DockerEventStream {
  readonly #options: DockerEventStreamOptions;
  readonly #episode: Episode;
  readonly #backoff: Backoff;
  readonly #closing = new AbortController();
  #lastUnixNs: bigint | undefined;
  #seenAtLast = new Set<string>();
  #connected = false;
  #running: Promise<void> | undefined;

  constructor(options: DockerEventStreamOptions) {
    this.#options = options;
    this.#episode = new Episode(options.logger, `event stream of ${options.api.runtimeName}`);
    this.#backoff = options.backoff ?? new Backoff({ initialMs: 100, maxMs: 5000 });
  }

  get connected(): boolean {
    return this.#connected;
  }

  get reason(): string {
    return this.#connected ? '' : this.#episode.reason || 'not connected yet';
  }

  /** Resolves after the first attempt, whether it succeeded or not. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#running = this.#follow(resolve);
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #follow(attempted: () => void): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#followOnce(attempted);
      } catch (error) {
        if (!signal.aborted) this.#episode.failed(errorText(error));
      }
      this.#connected = false;
      attempted();
      if (!signal.aborted) await sleep(this.#backoff.nextDelayMs(), signal);
    }
  }

  async #followOnce(attempted: () => void): Promise<void> {
    const connection = new AbortController();
    let connectedAtMs = Number.POSITIVE_INFINITY;
    const stop = (): void => connection.abort();
    this.#closing.signal.addEventListener('abort', stop, { once: true });
    try {
      const stream = await this.#options.api.events(this.#lastUnixNs, connection.signal);
      // Events are taken from the first moment, so that nothing falls between them and the listing.
      const ended = this.#readLines(stream);
      ended.catch(() => undefined);
      await Promise.race([this.#options.onConnected(), ended.then(throwEnded)]);
      this.#connected = true;
      this.#episode.recovered();
      attempted();
      connectedAtMs = performance.now();
      await ended;
      throwEnded();
    } finally {
      // A Docker that takes connections only to drop them is not back.
      if (performance.now() - connectedAtMs >= settledAfterMs) this.#backoff.reset();
      this.#closing.signal.removeEventListener('abort', stop);
      connection.abort();
    }
  }

  async #readLines(stream: Readable): Promise<void> {
    stream.setEncoding('utf8');
    let partial = '';
    for await (const chunk of stream) {
      const lines = (partial + chunk).split('\n');
      partial = lines.pop() ?? '';
      if (partial.length > maxLineLength)
        throw new CodedError('docker-event-too-long', `an event of more than ${maxLineLength} characters`);
      for (const line of lines) if (line.trim() !== '') this.#take(line);
    }
  }

  #take(line: string): void {
    const event = parseDockerEvent(line);
    if (event === undefined) {
      this.#options.onMalformed(line);
      return;
    }
    if (this.#lastUnixNs === undefined || event.timeUnixNs > this.#lastUnixNs) {
      this.#lastUnixNs = event.timeUnixNs;
      this.#seenAtLast = new Set();
    }
    const key = `${event.containerId} ${event.action}`;
    if (event.timeUnixNs === this.#lastUnixNs) {
      if (this.#seenAtLast.has(key)) return;
      this.#seenAtLast.add(key);
    }
    this.#options.onEvent(event);
  }
}

function throwEnded(): never {
  throw new CodedError('docker-stream-ended', 'Docker closed the event stream');
}

/** One line of GET /events; undefined when it is not an event of a container. */
export function parseDockerEvent(line: string): DockerEvent | undefined {
  const time = /"timeNano":\s*(\d{1,20})\b/.exec(line)?.[1];
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const event = new JsonReader(value);
  const actor = event.object('Actor');
  const containerId = actor.text('ID');
  const action = event.text('Action');
  if (event.text('Type') !== 'container' || containerId === '' || action === '' || time === undefined) return undefined;
  const attributes = actor.textMap('Attributes', maxAttributes);
  // timeNano exceeds what a JSON number of JavaScript holds exactly, hence the text.
  return { action, containerId, attributes, timeUnixNs: BigInt(time) };
}

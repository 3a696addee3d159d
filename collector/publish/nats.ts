import { connect, Events, headers, type JetStreamClient, type NatsConnection, NatsError } from 'nats';
import { Backoff, sleep } from '../../common/backoff.ts';
import { Episode } from '../../common/episode.ts';
import { CodedError, errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { StoredAlert } from '../store/store.ts';
import type { AlertSink } from './alert-sink.ts';
import { cloudEventContentType } from './formats/cloudevent.ts';
import { type NatsAccess, natsConnectionOptions, shownNatsUrl } from './nats-connection.ts';
import { type AlertStreamOptions, ensureAlertStream } from './nats-stream.ts';

export interface NatsOptions extends NatsAccess {
  stream?: AlertStreamOptions;
  /** False where operators manage streams themselves; true. */
  createStream?: boolean;
  /** How long a PubAck is waited for; 5000. */
  ackTimeoutMs?: number;
}

/** Room for the headers of a message, which count against the server's max_payload. */
const headerReserveBytes = 1024;

/**
 * Publishes alerts to JetStream. Connecting happens in the background and never ends; `publish` resolves with the
 * server's PubAck. A core publish while disconnected would be lost without a word, so nothing is sent then.
 *
 * @throws CodedError<'nats-url-invalid'>
 */
export function createNatsSink(options: NatsOptions, logger: Logger): AlertSink {
  return new NatsSink(options, logger);
}

class NatsSink implements AlertSink {
  readonly #options: NatsOptions;
  readonly #logger: Logger;
  readonly #episode: Episode;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #listeners: (() => void)[] = [];
  #connection: NatsConnection | undefined;
  #jetStream: JetStreamClient | undefined;
  #connected = false;
  #ensuring: Promise<void> | undefined;
  /** What was logged last about the stream of somebody else. */
  #differences = '';

  constructor(options: NatsOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
    this.#episode = new Episode(logger, `connection to NATS at ${shownNatsUrl(options.url)}`);
    // A wrong address is told at once, not by a background loop.
    natsConnectionOptions(options);
    this.#running = this.#run();
  }

  get connected(): boolean {
    return this.#connected;
  }

  get failing(): string | undefined {
    if (this.#episode.failing) return this.#episode.reason;
    return this.#connected ? undefined : 'not connected yet';
  }

  onConnected(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async publish(alert: StoredAlert): Promise<void> {
    const jetStream = this.#jetStream;
    if (jetStream === undefined || !this.#connected) throw new CodedError('sink-unavailable', 'not connected to NATS');
    const body = Buffer.from(alert.cloudEvent);
    const maxPayloadBytes = this.#connection?.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (body.length + headerReserveBytes > maxPayloadBytes) throw tooLarge(alert, body.length, maxPayloadBytes);
    const messageHeaders = headers();
    messageHeaders.set('Content-Type', cloudEventContentType);
    messageHeaders.set('traceparent', alert.traceparent);
    try {
      await jetStream.publish(alert.subject, body, {
        msgID: alert.alertId,
        headers: messageHeaders,
        timeout: this.#options.ackTimeoutMs ?? 5000,
      });
    } catch (error) {
      throw this.#publishError(error);
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#connected = false;
    await this.#connection?.close().catch(() => undefined);
    // A connection attempt under way cannot be taken back; it notices on its own that it is no longer wanted.
    await Promise.race([this.#running, sleep(500)]);
  }

  #publishError(error: unknown): CodedError {
    const code = error instanceof NatsError ? error.code : undefined;
    // "503": nobody listens on the subject, so the stream is gone or JetStream is off.
    if (code === '503') void this.#ensureStream();
    const what = code === '503' ? 'no stream takes the alerts (JetStream off, or stream deleted)' : undefined;
    return new CodedError('sink-unavailable', what ?? `no PubAck: ${errorText(error)}`, { cause: error });
  }

  async #run(): Promise<void> {
    const backoff = new Backoff({ initialMs: 200, maxMs: 10_000 });
    while (!this.#stop.signal.aborted) {
      try {
        const connection = await connect(natsConnectionOptions(this.#options));
        backoff.reset();
        await this.#use(connection);
      } catch (error) {
        this.#episode.failed(errorText(error));
      }
      await sleep(backoff.nextDelayMs(), this.#stop.signal);
    }
  }

  /** Until the connection is closed for good. */
  async #use(connection: NatsConnection): Promise<void> {
    this.#connection = connection;
    if (this.#stop.signal.aborted) return connection.close();
    this.#jetStream = connection.jetstream();
    this.#follow(connection).catch((error: unknown) => {
      this.#logger.error({ reason: errorText(error) }, 'following the NATS connection failed');
    });
    await this.#up();
    const reason = await connection.closed();
    this.#connected = false;
    if (!this.#stop.signal.aborted) this.#episode.failed(`closed: ${errorText(reason ?? 'by the client')}`);
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === Events.Disconnect) {
        this.#connected = false;
        if (!this.#stop.signal.aborted) this.#episode.failed('disconnected');
      } else if (status.type === Events.Reconnect) await this.#up();
      else if (status.type === Events.Error)
        this.#logger.debug({ status: String(status.data) }, 'NATS reports an error');
    }
  }

  async #up(): Promise<void> {
    await this.#ensureStream();
    if (this.#stop.signal.aborted || this.#connection?.isClosed() !== false) return;
    this.#connected = true;
    this.#episode.recovered();
    this.#logger.info({ server: this.#connection.getServer() }, 'connected to NATS');
    for (const listener of this.#listeners) listener();
  }

  #ensureStream(): Promise<void> {
    this.#ensuring ??= this.#createStream().finally(() => {
      this.#ensuring = undefined;
    });
    return this.#ensuring;
  }

  async #createStream(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || this.#options.createStream === false) return;
    try {
      const manager = await connection.jetstreamManager({ checkAPI: false });
      const found = await ensureAlertStream(manager, this.#options.stream ?? {}, this.#logger);
      const differences = found.join('; ');
      if (differences !== this.#differences && differences !== '')
        this.#logger.warn({ differences: found }, 'the alert stream is set up differently; left as it is');
      this.#differences = differences;
    } catch (error) {
      this.#logger.warn({ reason: errorText(error) }, 'JetStream cannot be reached');
    }
  }
}

function tooLarge(alert: StoredAlert, bytes: number, maxPayloadBytes: number): CodedError {
  const text = `alert ${alert.alertId} has ${bytes} bytes, the server takes ${maxPayloadBytes} with headers`;
  return new CodedError('sink-refused', text, {
    hint: "raise the server's max_payload, or lower the collector's bound of events",
  });
}

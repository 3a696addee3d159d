import type { Consumer, JsMsg, NatsConnection } from 'nats';
import { connect, DeliverPolicy } from 'nats';
import { errorText } from '../../common/errors.ts';
import { CommandError } from '../command-error.ts';

export const alertStreamName = 'TALLYMAN_ALERTS';

export interface AlertReaderOptions {
  natsUrl: string;
  /** Unix ms; from the beginning of the stream when undefined. */
  sinceUnixMs: number | undefined;
  /** Only the last so many messages of the stream; all when undefined. */
  lastCount: number | undefined;
  /** Goes on with new messages once the stored ones are read. */
  follow: boolean;
  signal?: AbortSignal;
}

/**
 * Reads the alerts of the JetStream stream in order, each message's bytes as text. Uses an ordered consumer of its own:
 * nothing is left behind and no other subscriber loses a message.
 */
export async function* readAlerts(options: AlertReaderOptions): AsyncGenerator<string> {
  const connection = await connectNats(options.natsUrl);
  try {
    yield* readStream(connection, options);
  } finally {
    await connection.close();
  }
}

async function connectNats(natsUrl: string): Promise<NatsConnection> {
  try {
    return await connect({ servers: natsUrl, maxReconnectAttempts: -1, name: 'tallyman alerts', timeout: 5_000 });
  } catch (thrown) {
    throw new CommandError('unreachable', `cannot connect to NATS at ${natsUrl}: ${errorText(thrown)}`, {
      hint: 'is `tallyman up` running? Another server is given with --nats-url or TALLYMAN_NATS_URL',
    });
  }
}

async function* readStream(connection: NatsConnection, options: AlertReaderOptions): AsyncGenerator<string> {
  const { consumer, pendingCount } = await openConsumer(connection, options);
  try {
    if (pendingCount === 0 && !options.follow) return;
    const messages = await consumer.consume({ max_messages: 256 });
    const stop = (): void => void messages.close();
    options.signal?.addEventListener('abort', stop, { once: true });
    for await (const message of messages) {
      yield message.string();
      if (options.signal?.aborted || (!options.follow && isLast(message))) return;
    }
  } finally {
    // The server would forget it by itself, minutes later.
    await consumer.delete().catch(() => false);
  }
}

const isLast = (message: JsMsg): boolean => message.info.pending === 0;

async function openConsumer(
  connection: NatsConnection,
  options: AlertReaderOptions,
): Promise<{ consumer: Consumer; pendingCount: number }> {
  try {
    const manager = await connection.jetstreamManager();
    const { state } = await manager.streams.info(alertStreamName);
    const consumer = await connection.jetstream().consumers.get(alertStreamName, startOf(options, state.last_seq));
    return { consumer, pendingCount: (await consumer.info()).num_pending };
  } catch (thrown) {
    const missing = /stream not found/i.test(errorText(thrown));
    if (missing)
      throw new CommandError('not-found', `NATS at ${options.natsUrl} has no stream ${alertStreamName}`, {
        hint: 'the collector makes it when it starts; is this the server it publishes to?',
      });
    throw new CommandError('unreachable', `NATS at ${options.natsUrl} answers, JetStream does not`, {
      cause: thrown,
      hint: 'the server must run with JetStream switched on (nats-server -js)',
    });
  }
}

function startOf(options: AlertReaderOptions, lastSequence: number) {
  if (options.sinceUnixMs !== undefined)
    return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(options.sinceUnixMs).toISOString() };
  // A sequence for "all" as well: with the policy of that name the server refuses what the client sends.
  const first = options.lastCount === undefined ? 1 : Math.max(1, lastSequence - options.lastCount + 1);
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: first };
}

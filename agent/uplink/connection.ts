import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  status as grpcStatus,
  type ServiceError,
} from '@grpc/grpc-js';
import { errorText } from '../../common/errors.ts';
import type { BaselineUpdate } from '../../proto/generated/tallyman/v1/baseline.ts';
import type { InventoryRequest } from '../../proto/generated/tallyman/v1/inventory.ts';
import {
  ConnectResponse,
  type Hello,
  UplinkServiceService,
  type Welcome,
} from '../../proto/generated/tallyman/v1/uplink.ts';
import { encodeHello } from './wire.ts';

export interface ConnectionEvents {
  welcome(welcome: Welcome): void;
  ack(sequence: bigint): void;
  baselines(update: BaselineUpdate): void;
  inventory(request: InventoryRequest): void;
  /** A message that is none; the stream goes on. */
  undecodable(reason: string): void;
  /** Once, and the last event. */
  closed(reason: string): void;
}

export interface ConnectionOptions {
  address: string;
  credentials: ChannelCredentials;
  hello: Hello;
  /** From opening the stream to the collector's welcome. */
  welcomeTimeoutMs: number;
}

type Response = ConnectResponse | { undecodable: string };

const channelOptions = {
  // This file's owner reconnects and resends by itself; the built-in retries would buffer the stream a second time.
  'grpc.enable_retries': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.keepalive_permit_without_calls': 1,
  // A proxy variable meant for package downloads must not carry the agent's line.
  'grpc.enable_http_proxy': 0,
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
};

/** One attempt at a stream to the collector: opened on construction, closed once, never reused. */
export class UplinkConnection {
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Buffer, Response>;
  readonly #events: ConnectionEvents;
  readonly #welcomeTimer: NodeJS.Timeout;
  #welcomed = false;
  #closed = false;

  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    this.#events = events;
    this.#client = new Client(options.address, options.credentials, channelOptions);
    const { path } = UplinkServiceService.connect;
    const asIs = (bytes: Buffer): Buffer => bytes;
    this.#call = this.#client.makeBidiStreamRequest(path, asIs, decodeResponse);
    this.#call.on('data', (response: Response) => this.#receive(response));
    this.#call.on('error', (error: ServiceError) => this.#close(reasonOf(error)));
    this.#call.on('end', () => this.#close('the collector ended the stream'));
    this.#welcomeTimer = setTimeout(
      () => this.#close(`no welcome within ${options.welcomeTimeoutMs} ms`),
      options.welcomeTimeoutMs,
    );
    this.#call.write(encodeHello(options.hello));
  }

  /** The caller bounds what it writes by its window of unacknowledged batches. */
  write(request: Buffer): void {
    if (!this.#closed) this.#call.write(request);
  }

  close(): void {
    this.#close('closed by the agent');
  }

  #receive(response: Response): void {
    if (this.#closed) return;
    if ('undecodable' in response) {
      this.#events.undecodable(response.undecodable);
      return;
    }
    const { message } = response;
    if (message?.$case === 'welcome' && !this.#welcomed) {
      this.#welcomed = true;
      clearTimeout(this.#welcomeTimer);
      this.#events.welcome(message.value);
    } else if (message?.$case === 'ack' && this.#welcomed) this.#events.ack(message.value.sequence);
    else if (message?.$case === 'baselineUpdate' && this.#welcomed) this.#events.baselines(message.value);
    else if (message?.$case === 'inventoryRequest' && this.#welcomed) this.#events.inventory(message.value);
    else if (message !== undefined) this.#close(`unexpected ${message.$case} from the collector`);
    // A message of a kind this version does not know is left alone: a newer collector may send it.
  }

  #close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#welcomeTimer);
    this.#call.cancel();
    this.#client.close();
    this.#events.closed(reason);
  }
}

/** One message that cannot be read must not end the line: the others are as good as before. */
function decodeResponse(bytes: Buffer): Response {
  try {
    return ConnectResponse.decode(bytes);
  } catch (thrown) {
    return { undecodable: errorText(thrown) };
  }
}

function reasonOf(error: ServiceError): string {
  return `${grpcStatus[error.code] ?? error.code}: ${error.details}`;
}

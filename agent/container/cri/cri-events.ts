import type { ClientReadableStream } from '@grpc/grpc-js';
import type { GetContainerEventsResponse } from '../../../proto/generated/runtime/v1/cri.ts';
import type { CriApi } from './cri-api.ts';

/**
 * Whether the events of a runtime may be listened to. Those of containerd before 2.0 go to one listener only: whoever
 * listens takes them from the kubelet.
 */
export function tellsEvents(runtime: string, version: string): boolean {
  if (runtime === 'cri-o') return true;
  return runtime === 'containerd' && Number.parseInt(version, 10) >= 2;
}

/** The runtime's event stream, as a reason to look sooner and nothing else: often it is switched off. */
export class CriEventHints {
  readonly #api: Pick<CriApi, 'events'>;
  readonly #onHint: (containerId: string) => void;
  #stream: ClientReadableStream<GetContainerEventsResponse> | undefined;

  constructor(api: Pick<CriApi, 'events'>, onHint: (containerId: string) => void) {
    this.#api = api;
    this.#onHint = onHint;
  }

  /** Listens, unless it does already. Called after each connect; a stream that ends is left alone until the next one. */
  follow(): void {
    if (this.#stream !== undefined) return;
    const stream = this.#api.events();
    this.#stream = stream;
    stream.on('data', ({ containerId }: GetContainerEventsResponse) => this.#onHint(containerId));
    stream.on('error', () => this.#ended(stream));
    stream.on('end', () => this.#ended(stream));
  }

  close(): void {
    this.#stream?.cancel();
    this.#stream = undefined;
  }

  #ended(stream: ClientReadableStream<GetContainerEventsResponse>): void {
    if (this.#stream === stream) this.#stream = undefined;
  }
}

import { createHash } from 'node:crypto';
import { type sendUnaryData, status } from '@grpc/grpc-js';
import { CodedError, errorText } from '../../common/errors.ts';
import type { Inventory } from '../../common/inventory.ts';
import { decodeInventory } from '../../common/inventory-document/decode.ts';
import { documentLimits } from '../../common/inventory-document/limits.ts';
import type { Logger } from '../../common/logger.ts';
import type { Metrics } from '../../common/metrics.ts';
import {
  type DeliverEnd,
  DeliverInventoryRequest,
  type DeliverInventoryResponse,
  type DeliverStart,
} from '../../proto/generated/tallyman/v1/inventory.ts';
import type { InventoryCall } from '../ingest/server.ts';
import type { InventoryWork } from '../store/store.ts';
import type { InventoryAssigner } from './assigner.ts';

export interface InventoryReceiverOptions {
  assigner: Pick<InventoryAssigner, 'workOf' | 'received' | 'failed'>;
  /** Keeps it for good. */
  keep(imageKey: string, inventory: Inventory, document: Buffer): Promise<void>;
  /** It is kept. */
  onKept?: (imageKey: string) => void;
  logger: Logger;
  metrics: Metrics;
}

/** Taken at once: each may hold a document of 64 MiB and what is in it. */
const maxAtOnce = 2;
const idleMs = 60_000;

interface Delivery {
  start: DeliverStart;
  work: InventoryWork;
  chunks: Buffer[];
  bytes: number;
}

/** Takes the inventories that agents were asked for; nothing else. */
export class InventoryReceiver {
  readonly #options: InventoryReceiverOptions;
  readonly #results;
  #open = 0;

  constructor(options: InventoryReceiverOptions) {
    this.#options = options;
    this.#results = options.metrics.counter(
      'inventory_deliveries_total',
      'Inventories delivered by agents, by result.',
      ['result'],
    );
  }

  /** For the gRPC server. */
  readonly handle = (call: InventoryCall, answer: sendUnaryData<DeliverInventoryResponse>): void => {
    if (this.#open >= maxAtOnce) {
      this.#results.inc({ result: 'busy' });
      answer({ code: status.RESOURCE_EXHAUSTED, details: `${maxAtOnce} inventories are being taken already` });
      return;
    }
    this.#open++;
    const finish = (accepted: boolean, reason: string): void =>
      answer(null, { accepted, reason: reason.slice(0, 1_000) });
    this.#take(call)
      .then(() => finish(true, ''))
      .catch((error: unknown) => {
        if (isPassing(error)) answer({ code: status.UNAVAILABLE, details: errorText(error) });
        else finish(false, errorText(error));
      })
      .finally(() => this.#open--);
  };

  async #take(call: InventoryCall): Promise<void> {
    let delivery: Delivery | undefined;
    try {
      for await (const bytes of withDeadline(call)) {
        const message = decode(bytes);
        if (message?.$case === 'start' && delivery === undefined) {
          delivery = this.#begin(message.value);
          if (message.value.cannot === '') continue;
          this.#results.inc({ result: 'cannot' });
          this.#options.assigner.failed(delivery.work, 'cannot', message.value.cannot);
          return;
        }
        if (delivery === undefined) throw refused('the first message must be start');
        if (message?.$case === 'chunk') addChunk(delivery, message.value);
        else if (message?.$case === 'end') return await this.#end(delivery, message.value);
        else throw refused('a message is of no known kind, or comes twice');
      }
      throw refused('the stream ended before the inventory did');
    } catch (error) {
      this.#failed(delivery, error, call.getPeer());
      throw error;
    }
  }

  /** @throws CodedError nobody was asked this: it cannot be told from a forgery */
  #begin(start: DeliverStart): Delivery {
    const work = this.#options.assigner.workOf(start);
    if (work === undefined)
      throw new CodedError('inventory-not-asked', 'this inventory was not asked for, or of another agent since');
    return { start, work, chunks: [], bytes: 0 };
  }

  async #end({ start, work, chunks, bytes }: Delivery, { sha256, sizeBytes }: DeliverEnd): Promise<void> {
    const document = Buffer.concat(chunks);
    if (sizeBytes !== BigInt(bytes) || !createHash('sha256').update(document).digest().equals(sha256))
      throw refused('what arrived is not what was sent: size or checksum differ');
    const inventory = await decodeInventory(document);
    // Decoding takes its time; it may have been asked of another agent since.
    if (this.#options.assigner.workOf(start) === undefined) throw refused('it came too late');
    await this.#options.keep(work.imageKey, inventory, document);
    const cut = inventory.problems.find(({ code }) => code === 'timeout');
    // What there is of it is used; the rest may be had at a quieter time, or of another node.
    if (cut === undefined) this.#options.assigner.received(work);
    else this.#options.assigner.failed(work, 'timeout', `it is not complete: ${cut.reason}`);
    this.#results.inc({ result: 'kept' });
    this.#options.onKept?.(work.imageKey);
  }

  #failed(delivery: Delivery | undefined, error: unknown, peer: string): void {
    const reason = errorText(error);
    const passing = isPassing(error);
    this.#results.inc({ result: passing ? 'store-failed' : delivery === undefined ? 'not-asked' : 'refused' });
    this.#options.logger.warn(
      { peer, imageDigest: delivery?.work.imageKey, agentId: delivery?.work.agentId },
      `an inventory was not taken: ${reason}`,
    );
    if (delivery === undefined || passing || error instanceof LineError) return;
    try {
      this.#options.assigner.failed(delivery.work, 'refused', reason);
    } catch (thrown) {
      this.#options.logger.error({ err: thrown }, 'the state of an inventory could not be stored');
    }
  }
}

/** The line broke: whoever was asked sends it again. */
class LineError extends Error {}

function isPassing(error: unknown): boolean {
  return error instanceof CodedError && error.code.startsWith('store-');
}

function refused(reason: string): CodedError {
  return new CodedError('inventory-refused', reason);
}

function decode(bytes: Uint8Array): DeliverInventoryRequest['message'] {
  try {
    return DeliverInventoryRequest.decode(bytes).message;
  } catch (error) {
    throw refused(`a message cannot be decoded: ${errorText(error)}`);
  }
}

function addChunk(delivery: Delivery, chunk: Uint8Array): void {
  if (chunk.length > documentLimits.maxChunkBytes)
    throw refused(`a chunk has more than ${documentLimits.maxChunkBytes} bytes`);
  delivery.bytes += chunk.length;
  if (delivery.bytes > documentLimits.maxDocumentBytes)
    throw refused(`the inventory has more than ${documentLimits.maxDocumentBytes} bytes`);
  delivery.chunks.push(Buffer.from(chunk));
}

/** What comes; an agent that stays silent keeps its place for a minute at most. */
async function* withDeadline(call: InventoryCall): AsyncGenerator<Uint8Array> {
  const timer = setTimeout(() => call.destroy(new LineError('nothing came for a minute')), idleMs);
  try {
    for await (const bytes of call as AsyncIterable<Uint8Array>) {
      timer.refresh();
      yield bytes;
    }
  } catch (error) {
    if (error instanceof CodedError || error instanceof LineError) throw error;
    throw new LineError(errorText(error), { cause: error });
  } finally {
    clearTimeout(timer);
  }
  if (call.cancelled) throw new LineError('the agent went away');
}

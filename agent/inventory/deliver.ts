import { createHash } from 'node:crypto';
import { type ChannelCredentials, Client, type ClientWritableStream, type ServiceError } from '@grpc/grpc-js';
import { documentLimits } from '../../common/inventory-document/limits.ts';
import {
  DeliverInventoryRequest,
  DeliverInventoryResponse,
  InventoryServiceService,
} from '../../proto/generated/tallyman/v1/inventory.ts';

export interface DeliveryTarget {
  /** The collector, "host:port". */
  address: string;
  credentials: ChannelCredentials;
}

/** What the collector asked for. */
export interface Asked {
  requestId: string;
  imageDigest: string;
}

const deadlineMs = 10 * 60_000;
const channelOptions = {
  // A connection of its own: what is large here must not stand before an alert there.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
};

/**
 * Sends one inventory, or why there is none. Resolves with the collector's answer.
 * @throws ServiceError when the line fails; then it may be sent again
 */
export async function deliverInventory(
  target: DeliveryTarget,
  asked: Asked,
  content: { document: Buffer } | { cannot: string },
): Promise<DeliverInventoryResponse> {
  const client = new Client(target.address, target.credentials, channelOptions);
  try {
    return await new Promise<DeliverInventoryResponse>((resolve, reject) => {
      const call = client.makeClientStreamRequest(
        InventoryServiceService.deliverInventory.path,
        (message: DeliverInventoryRequest) => Buffer.from(DeliverInventoryRequest.encode(message).finish()),
        (bytes: Buffer) => DeliverInventoryResponse.decode(bytes),
        { deadline: Date.now() + deadlineMs } as never,
        (error: ServiceError | null, answer?: DeliverInventoryResponse) => {
          if (error !== null) reject(error);
          else if (answer === undefined) reject(new Error('the collector answered nothing'));
          else resolve(answer);
        },
      ) as ClientWritableStream<DeliverInventoryRequest>;
      // What the answer says counts; a call that is over takes no more.
      call.on('error', () => undefined);
      void writeAll(call, asked, content);
    });
  } finally {
    client.close();
  }
}

async function writeAll(
  call: ClientWritableStream<DeliverInventoryRequest>,
  asked: Asked,
  content: { document: Buffer } | { cannot: string },
): Promise<void> {
  const cannot = 'cannot' in content ? content.cannot.slice(0, 1_000) || 'it cannot be had' : '';
  call.write({ message: { $case: 'start', value: { ...asked, cannot } } });
  if ('document' in content) {
    const { document } = content;
    for (let at = 0; at < document.length; at += documentLimits.maxChunkBytes) {
      const chunk = document.subarray(at, at + documentLimits.maxChunkBytes);
      if (!call.write({ message: { $case: 'chunk', value: chunk } }) && !(await drained(call))) return;
    }
    const sha256 = createHash('sha256').update(document).digest();
    call.write({ message: { $case: 'end', value: { sha256, sizeBytes: BigInt(document.length) } } });
  }
  call.end();
}

/** False when the call is over. */
function drained(call: ClientWritableStream<DeliverInventoryRequest>): Promise<boolean> {
  return new Promise((resolve) => {
    call.once('drain', () => resolve(true));
    call.once('error', () => resolve(false));
    call.once('close', () => resolve(false));
  });
}

import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { Episode } from '../../common/episode.ts';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { version } from '../../common/version.ts';
import type { ConnectResponse, Hello, Node } from '../../proto/generated/tallyman/v1/uplink.ts';
import { judgeSequence, type SequenceVerdict } from '../store/sequence.ts';
import type { Store } from '../store/store.ts';
import type { IngestMetrics } from './ingest-metrics.ts';
import { narrowHello, protocolVersion, sequenceProblem } from './narrow.ts';
import { narrowBatch } from './narrow-batch.ts';
import { type DecodedItem, decodeRequest } from './wire.ts';

export type UplinkCall = ServerDuplexStream<Uint8Array, ConnectResponse>;
export type Agent = Hello & { node: Node };

/** What a session needs of the ingest it belongs to. */
export interface SessionHost {
  store: Pick<Store, 'storeBatch' | 'acknowledgedSequence'>;
  logger: Logger;
  metrics: IngestMetrics;
  storeEpisode: Episode;
  helloTimeoutMs: number;
  /** False while the inbox is over its bound: sessions stop reading. */
  hasRoom(): boolean;
  /** Answers why this agent may not come in; undefined when it may. */
  admit(session: UplinkSession, agent: Agent): { code: status; reason: string } | undefined;
  /** What is told to the agent from now on comes after its welcome. */
  welcomed(session: UplinkSession, agent: Agent): void;
  stored(): void;
  /** The agent reads again what is written to it. */
  drained(session: UplinkSession): void;
  ended(session: UplinkSession): void;
}

/**
 * One agent's stream: hello, then batches. Whatever is wrong ends the stream with a status that says why; the agent
 * reconnects and sends again from the acknowledged number, so ending a stream never loses anything.
 */
export class UplinkSession {
  readonly #call: UplinkCall;
  readonly #host: SessionHost;
  readonly #helloTimer: NodeJS.Timeout;
  #agent: Agent | undefined;
  #ended = false;
  /** True while the agent does not read its acknowledgements. */
  #writeBlocked = false;

  constructor(call: UplinkCall, host: SessionHost) {
    this.#call = call;
    this.#host = host;
    this.#helloTimer = setTimeout(
      () => this.end(status.DEADLINE_EXCEEDED, `no hello within ${host.helloTimeoutMs} ms`),
      host.helloTimeoutMs,
    );
    call.on('data', (bytes: Uint8Array) => this.#receive(bytes));
    call.on('end', () => this.end(status.OK, ''));
    call.on('cancelled', () => this.end(status.CANCELLED, 'the agent went away'));
    call.on('error', (error) => this.end(status.UNKNOWN, errorText(error)));
    call.on('drain', () => {
      this.#writeBlocked = false;
      this.resumeIfRoom();
      host.drained(this);
    });
  }

  get agent(): Agent | undefined {
    return this.#agent;
  }

  /** Reads on when it was held back and the reason is gone. */
  resumeIfRoom(): void {
    if (!this.#ended && !this.#writeBlocked && this.#host.hasRoom()) this.#call.resume();
  }

  /** Tells the agent something, unless it is behind with reading. */
  tell(response: ConnectResponse): 'sent' | 'blocked' | 'gone' {
    if (this.#ended || this.#agent === undefined) return 'gone';
    if (this.#writeBlocked) return 'blocked';
    this.#write(response);
    return 'sent';
  }

  end(code: status, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#helloTimer);
    this.#host.metrics.streamsEnded.inc({ status: status[code].toLowerCase() });
    this.#host.logger.debug({ agentId: this.#agent?.agentId, status: status[code], reason }, 'uplink stream ended');
    if (code === status.OK) this.#call.end();
    // The call's way of ending with a status; a cancelled call ignores it.
    else this.#call.emit('error', { code, details: reason });
    this.#host.ended(this);
  }

  #receive(bytes: Uint8Array): void {
    // Messages that were read before the stream was ended.
    if (this.#ended) return;
    const request = decodeRequest(bytes);
    if (request.kind === 'malformed') this.#refuse(`message cannot be decoded: ${request.reason}`);
    else if (request.kind === 'hello') this.#greet(request.hello);
    else if (this.#agent === undefined) this.#refuse('the first message must be hello');
    else {
      const problem = sequenceProblem(request.sequence);
      if (problem === undefined) this.#take(this.#agent, request.sequence, request.items);
      else this.#refuse(problem);
    }
  }

  #greet(hello: Hello): void {
    const narrowed = this.#agent === undefined ? narrowHello(hello) : { refused: 'sent twice' };
    if ('refused' in narrowed) {
      this.#refuse(`hello: ${narrowed.refused}`);
      return;
    }
    const agent = narrowed.value;
    const refusal = this.#host.admit(this, agent);
    if (refusal !== undefined) {
      this.end(refusal.code, refusal.reason);
      return;
    }
    this.#agent = agent;
    clearTimeout(this.#helloTimer);
    try {
      const ackedSequence = this.#host.store.acknowledgedSequence(agent.agentId, agent.epoch);
      this.#write({
        message: { $case: 'welcome', value: { protocolVersion, collectorVersion: version, ackedSequence } },
      });
      this.#host.welcomed(this, agent);
    } catch (thrown) {
      this.#storeFailed(thrown);
    }
  }

  #take(agent: Agent, sequence: bigint, received: readonly DecodedItem[]): void {
    const { store, metrics, logger } = this.#host;
    let acknowledged: bigint;
    let verdict: SequenceVerdict;
    try {
      acknowledged = store.acknowledgedSequence(agent.agentId, agent.epoch);
      verdict = judgeSequence(acknowledged, sequence);
      if (verdict === 'next') {
        const now = Date.now();
        acknowledged = store.storeBatch(agent, sequence, narrowBatch(received, now, metrics, logger), now);
      }
    } catch (thrown) {
      this.#storeFailed(thrown);
      return;
    }
    this.#host.storeEpisode.recovered();
    if (verdict === 'gap') {
      metrics.batches.inc({ result: 'out-of-order' });
      this.end(status.ABORTED, `batch ${sequence} is out of order: ${acknowledged + 1n} is next`);
      return;
    }
    metrics.batches.inc({ result: verdict === 'next' ? 'stored' : 'duplicate' });
    this.#write({ message: { $case: 'ack', value: { sequence: acknowledged } } });
    this.#host.stored();
    if (!this.#host.hasRoom()) this.#pause('inbox-full');
  }

  /** Nothing was stored, so nothing is acknowledged: the agent keeps the batch and comes back. */
  #storeFailed(thrown: unknown): void {
    this.#host.metrics.batches.inc({ result: 'store-failed' });
    this.#host.storeEpisode.failed(errorText(thrown));
    this.end(status.UNAVAILABLE, 'the collector cannot store batches at the moment; see its log');
  }

  #refuse(reason: string): void {
    this.#host.metrics.batches.inc({ result: 'refused' });
    const { agentId, node } = this.#agent ?? {};
    this.#host.logger.warn({ agentId, node: node?.name, peer: this.#call.getPeer(), reason }, 'uplink stream refused');
    this.end(status.INVALID_ARGUMENT, reason);
  }

  #write(response: ConnectResponse): void {
    if (this.#ended || this.#call.write(response)) return;
    this.#writeBlocked = true;
    this.#pause('acks-not-read');
  }

  #pause(reason: string): void {
    this.#host.metrics.pauses.inc({ reason });
    this.#call.pause();
  }
}

import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { baselineKeyOf, baselineKeyText } from '../../common/baseline-key.ts';
import { Baseline, type BaselineKey } from '../../proto/generated/tallyman/v1/baseline.ts';
import type { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import {
  type ConnectRequest,
  type ConnectResponse,
  type Item,
  UplinkServiceService,
} from '../../proto/generated/tallyman/v1/uplink.ts';

type Call = ServerDuplexStream<ConnectRequest, ConnectResponse>;
export type BaselineContent = Parameters<typeof Baseline.fromPartial>[0];

/** The collector's side of the line, which takes all that an agent says and tells it the baselines that a test decides on. */
export class TellingCollector {
  readonly findings: Finding[] = [];
  readonly #server = new Server();
  readonly #calls = new Set<Call>();
  /** By name of the container. */
  readonly #contents = new Map<string, BaselineContent>();
  readonly #keys = new Map<string, BaselineKey>();

  /** Its address. */
  async start(): Promise<string> {
    this.#server.addService(UplinkServiceService, { connect: (call: Call) => this.#accept(call) });
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return `127.0.0.1:${port}`;
  }

  close(): void {
    this.#server.forceShutdown();
  }

  /** From now on, the baseline of the containers with this name; told at once where one has been seen. */
  decide(containerName: string, content: BaselineContent): void {
    this.#contents.set(containerName, content);
    this.#tell(containerName);
  }

  findingsOf(containerId: string): Finding[] {
    return this.findings.filter(({ container }) => container?.id === containerId);
  }

  #accept(call: Call): void {
    this.#calls.add(call);
    call.on('data', (request: ConnectRequest) => this.#receive(call, request));
    for (const event of ['end', 'error', 'cancelled']) call.on(event, () => this.#calls.delete(call));
  }

  #receive(call: Call, { message }: ConnectRequest): void {
    if (message?.$case === 'hello') {
      const welcome = { protocolVersion: 1, collectorVersion: 'test', ackedSequence: 0n };
      call.write({ message: { $case: 'welcome', value: welcome } });
    } else if (message?.$case === 'batch') {
      for (const item of message.value.items) this.#take(item);
      call.write({ message: { $case: 'ack', value: { sequence: message.value.sequence } } });
    }
  }

  #take({ item }: Item): void {
    if (item?.$case === 'finding') this.findings.push(item.value);
    if (item?.$case !== 'containerUpdate' || item.value.container === undefined) return;
    const { container } = item.value;
    const answer = baselineKeyOf(container);
    if (!('key' in answer)) return;
    const known = this.#keys.get(container.name);
    this.#keys.set(container.name, answer.key);
    if (known === undefined || baselineKeyText(known) !== baselineKeyText(answer.key)) this.#tell(container.name);
  }

  #tell(containerName: string): void {
    const key = this.#keys.get(containerName);
    const content = this.#contents.get(containerName);
    if (key === undefined || content === undefined) return;
    const baselines = [Baseline.fromPartial({ ...content, key })];
    for (const call of this.#calls)
      call.write({ message: { $case: 'baselineUpdate', value: { baselines, removed: [] } } });
  }
}

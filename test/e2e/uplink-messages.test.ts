import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { afterEach, expect, it } from 'vitest';
import { createUplink, type Uplink } from '../../agent/uplink/uplink.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import type { BaselineUpdate } from '../../proto/generated/tallyman/v1/baseline.ts';
import {
  type ConnectRequest,
  ConnectResponse,
  UplinkServiceService,
} from '../../proto/generated/tallyman/v1/uplink.ts';
import { eventually } from '../support/eventually.ts';

type Call = ServerDuplexStream<ConnectRequest, Buffer>;

const server = new Server();
let uplink: Uplink | undefined;
afterEach(async () => {
  await uplink?.close(0);
  server.forceShutdown();
});

function message(response: ConnectResponse['message']): Buffer {
  return Buffer.from(ConnectResponse.encode({ message: response }).finish());
}

/** A collector that says whatever bytes it is given to every agent that comes. */
async function serve(messages: readonly Buffer[]): Promise<{ address: string; calls: () => number }> {
  let calls = 0;
  const connect = (call: Call): void => {
    calls++;
    call.on('data', ({ message: said }: ConnectRequest) => {
      if (said?.$case === 'hello') for (const bytes of messages) call.write(bytes);
      if (said?.$case === 'batch') call.write(message({ $case: 'ack', value: { sequence: said.value.sequence } }));
    });
    call.on('error', () => undefined);
  };
  const raw = { ...UplinkServiceService.connect, responseSerialize: (bytes: Buffer) => bytes };
  server.addService({ connect: raw }, { connect });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { address: `127.0.0.1:${port}`, calls: () => calls };
}

it('a message that is none, or of a kind that is not known, leaves the line and the other messages as they are', async () => {
  const welcome = { protocolVersion: 1, collectorVersion: 'test', ackedSequence: 0n };
  const key = { repository: 'r', imageDigest: 'd', workload: 'w' };
  const { address, calls } = await serve([
    message({ $case: 'welcome', value: welcome }),
    // Field 20 claims more bytes than there are; field 1000 is of a newer collector.
    Buffer.from([0xa2, 0x01, 0x7f, 0x01]),
    Buffer.from([0xc2, 0x3e, 0x01, 0x00]),
    message({ $case: 'baselineUpdate', value: { baselines: [], removed: [key] } }),
  ]);
  const updates: BaselineUpdate[] = [];
  const metrics = new Metrics('agent');
  const node = { name: 'n', bootId: '', kernelRelease: '', architecture: '', osName: '' };
  uplink = createUplink({
    ...{ address, node, agentId: 'a', epoch: 1n, logger: silentLogger, metrics },
    onBaselines: (update) => updates.push(update),
  });
  uplink.start();
  await eventually(() => expect(updates).toEqual([{ baselines: [], removed: [key] }]));
  uplink.send({ $case: 'agentStatus', value: { hooks: {}, runtimes: [], containersWatched: 0 } });
  await eventually(() => expect(uplink?.pendingItems).toBe(0));
  expect(await metrics.registry.metrics()).toMatch(/uplink_messages_undecodable_total 1\n/);
  expect([uplink.connected, calls()]).toEqual([true, 1]);
});

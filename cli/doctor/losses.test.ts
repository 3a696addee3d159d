import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { checkLosses } from './losses.ts';

let server: Server | undefined;
afterEach(() => server?.close());

async function serve(text: string): Promise<string> {
  server = createServer((_request, response) => response.end(text));
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
}

const received = 'tallyman_agent_records_received_total{type="exec"} 40\n';

it('says what a running agent has lost, by type and reason', async () => {
  const url = await serve(
    `${received}tallyman_agent_records_lost_total{type="exec",reason="throttled"} 12
tallyman_agent_records_lost_total{type="fork",reason="throttled"} 0
tallyman_agent_losses_total{hop="budget",type="exec"} 12
tallyman_agent_losses_total{hop="decode",type="fork"} 2
tallyman_agent_uplink_items_dropped_total{type="observation",reason="queue-full"} 7\n`,
  );
  const [check] = await checkLosses(url);
  expect(check).toMatchObject({
    state: 'weaker',
    found: '12 exec records (throttled), 2 fork at decode, 7 observation items not sent (queue-full)',
  });
});

it('says so when nothing was lost', async () => {
  expect(await checkLosses(await serve(received))).toMatchObject([{ state: 'good' }]);
});

it('says nothing where no agent answers', async () => {
  expect(await checkLosses(await serve('something_else 1\n'))).toEqual([]);
  server?.close();
  expect(await checkLosses('http://127.0.0.1:1/metrics')).toEqual([]);
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { Container, ContainerState } from '../../proto/generated/tallyman/v1/container.ts';
import type { InventoryRequest } from '../../proto/generated/tallyman/v1/inventory.ts';
import { createSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { InventoryAssigner } from './assigner.ts';

const digest = (pair: string): string => `sha256:${pair.repeat(32)}`;
const answerMs = 900_000;
let directory: string;
let store: Store;
let now: number;
let connected: string[];
let asked: (InventoryRequest & { agentId: string })[];
let assigner: InventoryAssigner;
let pruned: boolean;

function open(): void {
  const metrics = new Metrics('collector');
  store = createSqliteStore({ file: join(directory, 'c.db'), logger: silentLogger, metrics });
  assigner = new InventoryAssigner({
    ...{ store, maxAsked: 2, answerMs, logger: silentLogger, metrics, now: () => now },
    agents: () => connected.map((nodeName) => ({ agentId: `agent-${nodeName}`, nodeName })),
    isKept: () => !pruned,
    ask: (agentId, request) => {
      asked.push({ agentId, ...request });
      return 'sent';
    },
  });
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-inventories-'));
  [now, connected, asked, pruned] = [1_000_000, ['a', 'b'], [], false];
  open();
});
afterEach(() => {
  assigner.close();
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

function runs(nodeName: string, image: string, state: ContainerState = ContainerState.RUNNING): void {
  const container = Container.fromPartial({
    id: `${nodeName}${image.slice(-8)}`,
    state,
    image: { configDigest: image },
  });
  store.putContainer(nodeName, container, now);
  assigner.seen(nodeName, container);
}

function passed(ms: number): void {
  now += ms;
  assigner.tick();
}

const answerOf = (request: InventoryRequest | undefined) => {
  const work = assigner.workOf(request ?? { requestId: '', imageDigest: '' });
  if (work === undefined) throw new Error('nobody was asked this');
  return work;
};

describe('inventories', () => {
  it('are asked of exactly one agent, however many nodes and containers run the image', () => {
    for (const node of ['a', 'b', 'a', 'b']) runs(node, digest('11'));
    passed(0);
    passed(1_000);
    expect(asked).toHaveLength(1);
    assigner.received(answerOf(asked[0]));
    runs('c', digest('11'));
    passed(10 * answerMs);
    expect(asked).toHaveLength(1);
    expect(store.countInventoryWork()).toMatchObject({ received: 1, asked: 0 });
  });

  it('are asked of another agent when the first cannot, or does not answer', () => {
    for (const node of ['a', 'b']) runs(node, digest('11'));
    passed(0);
    assigner.failed(answerOf(asked[0]), 'cannot', 'its root is btrfs');
    passed(10_000);
    passed(answerMs);
    passed(20_000);
    expect(asked.map(({ agentId }) => agentId)).toEqual(['agent-a', 'agent-b', 'agent-a']);
    expect(store.getInventoryWork(digest('11'))).toMatchObject({ attempts: 2, state: 'asked' });
  });

  it('are asked of another agent soon when the first goes away', () => {
    for (const node of ['a', 'b']) runs(node, digest('11'));
    passed(0);
    connected = ['b'];
    assigner.agentGone('agent-a');
    passed(30_000);
    passed(10_000);
    expect(asked.map(({ agentId }) => agentId)).toEqual(['agent-a', 'agent-b']);
  });

  it('go on where they were after a new start, and what comes then is known', () => {
    runs('a', digest('11'));
    passed(0);
    assigner.close();
    store.close();
    open();
    assigner.start();
    passed(1_000);
    expect(asked).toHaveLength(1);
    expect(answerOf(asked[0]).imageKey).toBe(digest('11'));
  });

  it('that the store had no more room for are asked for again when the image runs again', () => {
    runs('a', digest('11'));
    passed(0);
    assigner.received(answerOf(asked[0]));
    runs('b', digest('11'));
    passed(1_000);
    expect(asked).toHaveLength(1);
    pruned = true;
    runs('c', digest('11'));
    passed(1_000);
    expect(asked).toHaveLength(2);
  });

  it('are asked a few at a time', () => {
    for (const pair of ['11', '22', '33']) runs('a', digest(pair));
    passed(0);
    passed(1_000);
    expect(asked).toHaveLength(2);
    assigner.received(answerOf(asked[0]));
    passed(1_000);
    expect(asked).toHaveLength(3);
  });

  it('wait until an agent of a node that runs the image is there', () => {
    connected = ['c'];
    runs('a', digest('11'));
    passed(0);
    expect(asked).toEqual([]);
    connected = ['a'];
    passed(10_000);
    expect(asked).toHaveLength(1);
  });

  it('are not taken from who was not asked, or for another image', () => {
    runs('a', digest('11'));
    passed(0);
    const { requestId } = asked[0] as InventoryRequest;
    expect(assigner.workOf({ requestId: 'guessed', imageDigest: digest('11') })).toBeUndefined();
    expect(assigner.workOf({ requestId, imageDigest: digest('22') })).toBeUndefined();
    expect(assigner.workOf({ requestId: '', imageDigest: digest('11') })).toBeUndefined();
  });

  it('are not asked of images that do not run, or that nothing but a name is known of', () => {
    runs('a', digest('11'), ContainerState.EXITED);
    runs('a', 'latest');
    passed(0);
    expect(asked).toEqual([]);
  });
});

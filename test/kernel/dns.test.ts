import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KernelEvent } from '../../agent/decode/kernel-event.ts';
import type { DnsEvent } from '../../agent/decode/network-event.ts';
import { DnsStreams } from '../../agent/dns/streams.ts';
import { dnsAnswer, dnsMessage } from '../support/dns-message.ts';
import { buildTestImage, docker } from '../support/docker.ts';
import { ofKind, only, SensorSession } from '../support/sensor-session.ts';

const network = 'tallyman-test-dns';
let session: SensorSession;

beforeAll(async () => {
  await buildTestImage();
  session = new SensorSession().start();
});

afterAll(async () => {
  session.close();
  await docker
    .getNetwork(network)
    .remove()
    .catch(() => undefined);
});

const query = dnsMessage({ question: 'db.example', flags: 0x0100 });

function ask(transport: 'udp' | 'tcp', answer: Buffer, split = ''): string {
  // The name server takes the id from the query.
  return `/bin/network ask ${transport} ${query.toString('hex')} ${answer.subarray(2).toString('hex')} ${split}`;
}

function eventsOf(script: string): Promise<KernelEvent[]> {
  return session.eventsOf({ command: ['/bin/sh', '-c', `${script}; :`] });
}

function answersOf(events: readonly KernelEvent[]): DnsEvent[] {
  const streams = new DnsStreams();
  return ofKind(events, 'dns-segment').flatMap((segment) => streams.push(segment));
}

const answer = dnsMessage({
  question: 'db.example',
  answers: [dnsAnswer('db.example', 1, [192, 0, 2, 7], 60), dnsAnswer('db.example', 1, [192, 0, 2, 8], 60)],
});

describe('cgroup_skb/ingress', () => {
  it.for(['udp', 'tcp'] as const)('reports an answer over %s with the process that asked', async (transport) => {
    const events = await eventsOf(ask(transport, answer));
    const { pid, startKtimeNs } = only(ofKind(events, 'exec').filter((exec) => exec.argv[0] === '/bin/network'));
    expect(only(answersOf(events))).toMatchObject({
      ...{ pid, startKtimeNs, comm: 'network', transport, resolverAddress: '127.0.0.1' },
      ...{ queryName: 'db.example', queryType: 'A', responseCode: 'NOERROR' },
      answers: [
        { name: 'db.example', type: 'A', data: '192.0.2.7', ttlSeconds: 60 },
        { name: 'db.example', type: 'A', data: '192.0.2.8', ttlSeconds: 60 },
      ],
      ...{ truncated: false, wellFormed: true, repeats: 0 },
    });
  });

  it('puts an answer together that comes in two segments', async () => {
    const events = await eventsOf(ask('tcp', answer, '20'));
    expect(ofKind(events, 'dns-segment')).toHaveLength(2);
    expect(only(answersOf(events))).toMatchObject({ queryName: 'db.example', wellFormed: true });
  });

  it('sends the same answer once to a process, and a different one again', async () => {
    const other = dnsMessage({ question: 'db.example', answers: [dnsAnswer('db.example', 1, [192, 0, 2, 9], 60)] });
    const twice = await eventsOf(`${ask('udp', answer)}; ${ask('udp', answer)}; ${ask('udp', other)}`);
    expect(answersOf(twice)).toHaveLength(3);
    const pids = new Set(answersOf(twice).map((event) => event.pid));
    expect(pids.size).toBe(3);
  });

  it('captures the beginning of an answer that is too long, and says so', async () => {
    const answers = new Array(100).fill(dnsAnswer('db.example', 1, [192, 0, 2, 7], 60));
    const event = only(answersOf(await eventsOf(ask('udp', dnsMessage({ question: 'db.example', answers })))));
    expect(event).toMatchObject({ queryName: 'db.example', truncated: true, wellFormed: true });
    expect(event.answers).toHaveLength(32);
  });

  it('reports what is no DNS answer as what it is', async () => {
    const event = only(answersOf(await eventsOf(ask('udp', Buffer.from('xxnot an answer')))));
    expect(event).toMatchObject({ wellFormed: false });
  });

  it('sees answers of the resolver that Docker puts behind address translation', async () => {
    await docker.createNetwork({ Name: network, Internal: true });
    const name = 'tallyman-test-resolved';
    const events = await session.eventsOf({ name, networkMode: network, command: ['/bin/nslookup', name] });
    const answered = answersOf(events).filter((event) => event.answers.length > 0);
    expect(only(answered)).toMatchObject({
      ...{ comm: 'nslookup', resolverAddress: '127.0.0.11', queryName: name, queryType: 'A', wellFormed: true },
    });
  });

  it('says nothing of packets from other ports', async () => {
    expect(ofKind(await eventsOf('/bin/network storm 50 5399'), 'dns-segment')).toEqual([]);
  });
});

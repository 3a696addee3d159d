import type { TaskEventBase } from '../decode/kernel-event.ts';
import type { DnsEvent, NetworkEvent } from '../decode/network-event.ts';
import type { EventExample } from './rule-example.ts';

/** An event about sockets by example; what is not given has an unremarkable value. */
export function networkEvent(kind: NetworkEvent['kind'], example: EventExample, base: TaskEventBase): NetworkEvent {
  const family = example.family ?? (example.remoteAddress?.includes(':') ? 'ipv6' : 'ipv4');
  const remote = { remoteAddress: example.remoteAddress ?? '203.0.113.9', remotePort: example.remotePort ?? 443 };
  const local = { localAddress: example.localAddress ?? '172.17.0.2', localPort: example.localPort ?? 40_000 };
  const { transport = 'tcp', remoteNames = [] } = example;
  switch (kind) {
    case 'connect':
      return { ...base, kind, transport, family, ...remote, remoteNames, repeats: 0 };
    case 'tcp': {
      const state = example.state ?? 'established';
      const peer = state === 'listening' ? { remoteAddress: '', remotePort: 0 } : remote;
      const failure = example.failure ?? (state === 'failed' ? 'refused' : '');
      return { ...base, kind, state, family, ...local, ...peer, remoteNames, failure, errorNumber: 0, repeats: 0 };
    }
    case 'bind':
      return { ...base, kind, transport, family, ...local, repeats: 0 };
    case 'unix-connect': {
      const { path = '/run/app.sock', pathSource = 'kernel' } = example;
      return { ...base, kind, path, pathSource, repeats: 0 };
    }
    case 'dns':
      return { ...base, kind, ...dnsExample(example) };
    case 'fanout': {
      const { destinations = 512, shape = 'ports' } = example;
      return { ...base, kind, transport, family, ...remote, destinations, shape };
    }
  }
}

function dnsExample(example: EventExample): Omit<DnsEvent, keyof TaskEventBase | 'kind'> {
  const { queryName = 'registry.example', queryType = 'A', responseCode = 'NOERROR', addresses = [] } = example;
  const { resolverAddress = '10.96.0.10', truncated = false, wellFormed = true, subdomains = 0 } = example;
  const record = (type: string, data: string) => ({ name: queryName, type, data, ttlSeconds: 60 });
  const answers = [
    ...addresses.map((address) => record(address.includes(':') ? 'AAAA' : 'A', address)),
    ...(example.answerTypes ?? []).map((type) => record(type, '')),
  ];
  const transport = example.transport === 'tcp' ? 'tcp' : 'udp';
  const question = { transport, resolverAddress, queryName, queryType, responseCode } as const;
  return { ...question, answers, truncated, wellFormed, subdomains, repeats: 0 };
}

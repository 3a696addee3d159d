import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KernelEvent } from '../../agent/decode/kernel-event.ts';
import { adoptListeners } from '../../agent/network/adopt-listeners.ts';
import { parseListenLines } from '../../agent/network/proc-listeners.ts';
import { buildTestImage, docker, runContainer } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { cgroupIdOf, ofKind, only, SensorSession } from '../support/sensor-session.ts';

let session: SensorSession;

beforeAll(async () => {
  await buildTestImage();
  session = new SensorSession().start();
});

afterAll(() => session.close());

function eventsOf(script: string, capAdd: string[] = []): Promise<KernelEvent[]> {
  return session.eventsOf({
    command: ['/bin/sh', '-c', `${script}; :`],
    capAdd,
    sysctls: { 'net.ipv6.conf.lo.disable_ipv6': '0' },
  });
}

function pidOf(events: readonly KernelEvent[], ...words: string[]): number | undefined {
  return ofKind(events, 'exec').find((exec) => words.every((word) => exec.argv.includes(word)))?.pid;
}

/** A network of which nothing ever answers: the loopback interface drops what is not its own. */
const silentNetwork = 'ip route add 192.0.2.0/24 dev lo';

describe('tp_btf/inet_sock_set_state', () => {
  it('reports listening, established, accepted and failed with the process whose socket it is', async () => {
    const events = await eventsOf(
      '/bin/network serve 0.0.0.0 4545 1 & sleep 0.3; /bin/actor connect 127.0.0.1 4545; /bin/actor connect 127.0.0.1 4546; wait',
    );
    const states = ofKind(events, 'tcp');
    const server = pidOf(events, 'serve');
    const client = pidOf(events, 'connect', '4545');
    const none = { remoteNames: [], failure: '', errorNumber: 0, repeats: 0 };
    expect(states).toHaveLength(4);
    expect(states[0]).toMatchObject({
      ...{ state: 'listening', pid: server, comm: 'network', family: 'ipv4', localAddress: '0.0.0.0', localPort: 4545 },
      ...{ remoteAddress: '', remotePort: 0, ...none },
    });
    const established = only(states.filter((event) => event.state === 'established'));
    expect(established).toMatchObject({
      ...{ pid: client, comm: 'actor', family: 'ipv4', localAddress: '127.0.0.1' },
      ...{ remoteAddress: '127.0.0.1', remotePort: 4545, ...none },
    });
    expect(only(states.filter((event) => event.state === 'accepted'))).toMatchObject({
      ...{ pid: server, comm: 'network', family: 'ipv4', localAddress: '127.0.0.1', localPort: 4545 },
      ...{ remoteAddress: '127.0.0.1', remotePort: established.localPort, ...none },
    });
    expect(only(states.filter((event) => event.state === 'failed'))).toMatchObject({
      ...{ pid: pidOf(events, 'connect', '4546'), remoteAddress: '127.0.0.1', remotePort: 4546 },
      ...{ failure: 'refused', errorNumber: 111 },
    });
  });

  it('follows IPv6, and IPv4 peers of a socket for both', async () => {
    const events = await eventsOf(
      '/bin/network serve :: 4550 2 & sleep 0.3; /bin/actor connect ::1 4550; /bin/actor connect 127.0.0.1 4550; wait',
    );
    const accepted = ofKind(events, 'tcp').filter((event) => event.state === 'accepted');
    expect(accepted).toMatchObject([
      { family: 'ipv6', localAddress: '::1', remoteAddress: '::1', localPort: 4550 },
      { family: 'ipv4', localAddress: '127.0.0.1', remoteAddress: '127.0.0.1', localPort: 4550 },
    ]);
  });

  it('tells an attempt that the program gave up from one that failed', async () => {
    const events = await eventsOf(`${silentNetwork}; /bin/network abandon 192.0.2.7 80`, ['NET_ADMIN']);
    expect(only(ofKind(events, 'tcp'))).toMatchObject({
      ...{ state: 'failed', remoteAddress: '192.0.2.7', remotePort: 80, failure: 'abandoned', errorNumber: 0 },
      pid: pidOf(events, 'abandon'),
    });
  });

  it('learns the port of a socket that listens without bind from its first connection', async () => {
    const events = await eventsOf('/bin/network listen-unbound');
    const pid = pidOf(events, 'listen-unbound');
    const [first, second, ...others] = ofKind(events, 'tcp').filter((event) => event.state === 'listening');
    const accepted = only(ofKind(events, 'tcp').filter((event) => event.state === 'accepted'));
    expect(first).toMatchObject({ pid, localAddress: '0.0.0.0', localPort: 0 });
    expect(second).toMatchObject({ pid, localAddress: '0.0.0.0', localPort: accepted.localPort });
    expect(accepted).toMatchObject({ pid, remoteAddress: '127.0.0.1' });
    expect(others).toEqual([]);
  });

  it('counts the peers of a socket beyond the first', async () => {
    const clients = 'for i in $(seq 1 70); do /bin/network connect-from 127.0.1.$i 127.0.0.1 4560; done';
    const events = await eventsOf(`/bin/network serve 127.0.0.1 4560 70 & sleep 0.3; ${clients}; wait`);
    const accepted = ofKind(events, 'tcp').filter((event) => event.state === 'accepted');
    expect(accepted).toHaveLength(65);
    expect(new Set(accepted.map((event) => event.remoteAddress)).size).toBe(65);
    expect(accepted.at(-1)).toMatchObject({ remoteAddress: '', remotePort: 0, localPort: 4560 });
  });

  it('accepts nothing in the name of a socket that does not listen any more', async () => {
    const events = await eventsOf(
      '/bin/network serve 127.0.0.1 4570 1 & sleep 0.3; /bin/actor connect 127.0.0.1 4570; wait; /bin/network connect-from 127.0.0.1 127.0.0.1 4570',
    );
    const states = ofKind(events, 'tcp').map((event) => event.state);
    expect(states.toSorted()).toEqual(['accepted', 'established', 'failed', 'listening']);
  });

  it('knows sockets that listened before the agent', async () => {
    const container = await runContainer({ command: ['/bin/network', 'serve', '127.0.0.1', '4580', '1'] });
    const later = new SensorSession();
    try {
      const pid = (await docker.getContainer(container.id).inspect()).State.Pid;
      const cgroupId = cgroupIdOf(pid);
      const told: KernelEvent[] = [];
      await eventually(() => {
        expect(parseListenLines(readFileSync(`/proc/${pid}/net/tcp`, 'utf8'))).toHaveLength(1);
      });
      later.start();
      await adoptListeners({
        ...{ procRoot: '/proc', cgroupId, pids: [pid] },
        adopt: (entry) => later.sensor.tables.adoptListener(entry),
        startOf: () => 77n,
        onEvent: (event) => told.push(event),
      });
      expect(only(told)).toMatchObject({
        ...{ kind: 'tcp', state: 'listening', pid, comm: 'network', localAddress: '127.0.0.1', localPort: 4580 },
        startKtimeNs: 77n,
      });
      await container.exec(['/bin/actor', 'connect', '127.0.0.1', '4580']);
      await container.wait();
      later.sensor.drain();
      const accepted = ofKind(later.events, 'tcp').filter((event) => event.state === 'accepted');
      expect(only(accepted)).toMatchObject({
        pid,
        cgroupId,
        startKtimeNs: 77n,
        localPort: 4580,
        remoteAddress: '127.0.0.1',
      });
    } finally {
      later.close();
      await container.remove();
    }
  });
});

import { describe, expect, it } from 'vitest';
import { ExecutableLayer, ProcessEntry } from '../../proto/generated/tallyman/v1/process.ts';
import { dnsOf } from '../../test/support/kernel-events.ts';
import { assumedContainer } from '../container/assumed-container.ts';
import type { Loss } from '../container/loss-windows.ts';
import type { AttributedEvent } from '../detect/attributed-event.ts';
import { eventOfExample } from '../detect/example-event.ts';
import type { EventExample, ProcessExample } from '../detect/rule-example.ts';
import { later } from '../detect/test-events.ts';
import { Observations } from './observations.ts';

const clock = { unixNs: (ktimeNs: bigint) => ktimeNs };

function observing(maxRemembered?: number) {
  const losses: Loss[] = [];
  const onLoss = (loss: Loss): number => losses.push(loss);
  const observations = new Observations({ clock, onLoss, ...(maxRemembered === undefined ? {} : { maxRemembered }) });
  return { losses, observe: (event: AttributedEvent) => observations.observe(event) };
}

function exec(process: ProcessExample, id = 'c'): AttributedEvent {
  return eventOfExample({ on: 'exec', process, container: { id } });
}

function network(on: 'connect' | 'tcp' | 'bind', event: EventExample): AttributedEvent {
  return eventOfExample({ on, event, process: { executable: { path: '/usr/bin/app' } } });
}

const shell: ProcessExample = { executable: { path: '/bin/dash' }, entry: 'container-init' };

describe('an execution', () => {
  it('is told with its parent, the shape of its arguments, its layer and where it comes from', () => {
    const { observe } = observing();
    const ls = { executable: { path: '/bin/ls', layer: 'tmpfs' as const }, argv: ['ls', '-l', '/a'], parent: shell };
    expect(observe(exec(ls))).toMatchObject({
      origin: ProcessEntry.CONTAINER_INIT,
      fact: {
        $case: 'executed',
        value: {
          ...{ executablePath: '/bin/ls', parentPath: '/bin/dash', argumentShape: 'ls -l <path>' },
          layer: ExecutableLayer.TMPFS,
        },
      },
    });
    expect(observe(exec({ ...ls, argv: ['ls', '-l', '/b'] }))).toBeUndefined();
    const session: ProcessExample = { ...shell, entry: 'exec-session' };
    expect(observe(exec({ ...ls, parent: session }))).toMatchObject({ origin: ProcessEntry.EXEC_SESSION });
  });

  it('tells a parent that is not known from none', () => {
    const { observe } = observing();
    const parents = [shell, { executable: { path: '/bin/ls' } }].map((process) => observe(exec(process))?.fact?.value);
    expect(parents).toMatchObject([{ parentPath: '' }, { parentPath: undefined }]);
    expect(observe(exec({ executable: { path: '/bin/ls' }, entry: 'exec-session' }))).toBeDefined();
  });

  it('of which there are too many shapes stands for any; applets of busybox count apart', () => {
    const { observe, losses } = observing();
    const shapesOf = (path: string, name: string): unknown[] =>
      Array.from({ length: 200 }, (_, n) => {
        const process = {
          executable: { path },
          argv: [name, `--${String.fromCharCode(97 + (n % 26)).repeat(1 + n / 26)}`],
        };
        const fact = observe(exec({ ...process, parent: shell }))?.fact;
        return fact?.$case === 'executed' ? fact.value.argumentShape : undefined;
      }).filter((shape) => shape !== undefined);
    for (const [path, name] of [
      ['/bin/busybox', 'ls'],
      ['/bin/busybox', 'wget'],
      ['/usr/bin/env', 'env'],
    ] as const) {
      const shapes = shapesOf(path, name);
      expect(shapes).toHaveLength(33);
      expect(shapes.at(-1)).toBe(`${name} *`);
    }
    expect(losses).toEqual([]);
  });

  it('of ever new programs does not fill the line, and that is said', () => {
    const { observe, losses } = observing();
    const told = Array.from({ length: 5_000 }, (_, n) => observe(exec({ executable: { path: `/tmp/${n}` } })));
    expect(told.filter((each) => each !== undefined)).toHaveLength(1_000);
    expect(losses).toHaveLength(4_000);
    expect(losses[0]).toMatchObject({
      ...{ hop: 'observation', type: 'executed', reason: 'limit-reached', count: 1n, containerId: 'c' },
    });
    expect(observe(exec({ executable: { path: '/tmp/0' } }, 'other'))).toBeDefined();
  });
});

describe('sockets', () => {
  it('are told with the program', () => {
    const { observe } = observing();
    expect(observe(network('connect', { remoteAddress: '10.0.0.7', remotePort: 5432 }))?.fact?.value).toMatchObject({
      executablePath: '/usr/bin/app',
    });
    const listening = { state: 'listening', localPort: 8080 } as const;
    expect(observe(network('tcp', listening))?.fact?.value).toMatchObject({ executablePath: '/usr/bin/app' });
  });

  it('of a server of datagrams do not tell each client as a destination', () => {
    const { observe, losses } = observing();
    const answer = (n: number): EventExample => ({ transport: 'udp', remoteAddress: `10.0.${n >> 8}.${n & 255}` });
    expect(observe(network('connect', { ...answer(1), remotePort: 40_000 }))).toBeDefined();
    expect(observe(network('bind', { transport: 'udp', localPort: 53 }))).toBeDefined();
    for (let n = 0; n < 3_000; n++)
      expect(observe(network('connect', { ...answer(n), remotePort: 50_000 }))).toBeUndefined();
    expect(observe(network('connect', { ...answer(1), remotePort: 53 }))).toBeDefined();
    expect(losses).toEqual([]);
  });

  it('that listen on ever new ports of the kernel stand for any', () => {
    const { observe } = observing();
    const ports = Array.from({ length: 100 }, (_, n) =>
      observe(network('tcp', { state: 'listening', localPort: 40_000 + n })),
    )
      .map((seen) => seen?.fact)
      .flatMap((fact) => (fact?.$case === 'listened' ? [fact.value.localPort] : []));
    expect(ports).toEqual([40_000, 40_001, 40_002, 40_003, 40_004, 40_005, 40_006, 40_007, 0]);
  });

  it('of which not all are reported make a gap', () => {
    const { observe, losses } = observing();
    expect(observe(eventOfExample({ on: 'fanout' }))).toBeUndefined();
    expect(losses).toMatchObject([{ hop: 'observation', type: 'connected', reason: 'fanout' }]);
  });
});

function resolved(queryName: string): AttributedEvent {
  const event = { ...dnsOf({ pid: 1, startKtimeNs: 1n, cgroupId: 2n }, 3n), queryName };
  const container = assumedContainer('c'.repeat(64), 2n, undefined);
  return {
    ...{ event, container, execution: undefined, attribution: 'partial', missing: [], dataComplete: true, losses: [] },
  } as AttributedEvent;
}

it('reports a name once, and a thousand names of a container', () => {
  const { observe } = observing();
  expect(observe(resolved('a'))?.fact).toEqual({
    $case: 'resolved',
    value: { queryName: 'a', queryType: 'A', responseCode: 'NOERROR' },
  });
  expect(observe(resolved('a'))).toBeUndefined();
  const told = Array.from({ length: 5_000 }, (_, index) => observe(resolved(`n${index}`)));
  expect(told.filter((each) => each !== undefined)).toHaveLength(999);
});

it('forgets whole containers, those that were quiet first', () => {
  const { observe } = observing(5);
  const seen = (id: string, path: string): boolean =>
    observe(exec({ executable: { path }, parent: shell }, id)) !== undefined;
  expect([seen('a', '/1'), seen('b', '/1'), seen('a', '/1')]).toEqual([true, true, false]);
  // A program takes two places, one for its arguments: with two of "a", "b" has to go.
  expect([seen('a', '/2'), seen('a', '/1'), seen('b', '/1')]).toEqual([true, false, true]);
});

it('the use of a capability is told again after an hour, so that it is known when it was used last', () => {
  const { observe } = observing();
  const use = eventOfExample({ on: 'capability', event: { capabilityName: 'CAP_CHOWN' }, process: shell });
  const told = [0, 59, 60, 61, 119, 120].map((minutes) => observe(later(use, minutes * 60_000)) !== undefined);
  expect(told).toEqual([true, false, true, false, false, true]);
  expect([exec(shell), later(exec(shell), 7_200_000)].map(observe)).toMatchObject([{ containerId: 'c' }, undefined]);
});

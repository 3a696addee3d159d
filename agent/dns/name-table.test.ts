import { describe, expect, it } from 'vitest';
import { connectOf, dnsOf } from '../../test/support/kernel-events.ts';
import type { DnsEvent } from '../decode/network-event.ts';
import { NameTable } from './name-table.ts';

const process = { pid: 10, startKtimeNs: 1n, cgroupId: 2n };
const second = 1_000_000_000n;

function answer(name: string, addresses: string[], change: Partial<DnsEvent> = {}): DnsEvent {
  const answers = addresses.map((data) => ({
    ...{ name, type: data.includes(':') ? 'AAAA' : 'A', data, ttlSeconds: 60 },
  }));
  return { ...dnsOf(process, 100n), queryName: name, answers, ...change };
}

describe('NameTable', () => {
  it('names the remote end of a connection by what the container looked up', () => {
    const table = new NameTable();
    table.apply('c1', answer('db.internal', ['10.0.0.7', '2001:db8::7']));
    const connect = connectOf(process, 200n);
    table.apply('c1', connect);
    expect(connect.remoteNames).toEqual(['db.internal']);
    expect(table.namesOf('c1', '2001:db8::7', 200n)).toEqual(['db.internal']);
  });

  it('keeps what one container was told from the others', () => {
    const table = new NameTable();
    table.apply('c1', answer('db.internal', ['10.0.0.7']));
    expect(table.namesOf('c2', '10.0.0.7', 200n)).toEqual([]);
    expect(table.namesOf('c1', '10.0.0.8', 200n)).toEqual([]);
  });

  it('gives several names newest first, at most eight', () => {
    const table = new NameTable();
    for (let index = 0; index < 10; index++) table.apply('c1', answer(`n${index}`, ['10.0.0.7']));
    table.apply('c1', answer('n5', ['10.0.0.7']));
    expect(table.namesOf('c1', '10.0.0.7', 200n)).toEqual(['n5', 'n9', 'n8', 'n7', 'n6', 'n4', 'n3', 'n2']);
  });

  it('forgets names five minutes after the last answer, or later where the answer may be kept longer', () => {
    const table = new NameTable();
    table.apply('c1', answer('short', ['10.0.0.7']));
    const long = answer('long', ['10.0.0.7']);
    table.apply('c1', { ...long, answers: long.answers.map((each) => ({ ...each, ttlSeconds: 3600 })) });
    expect(table.namesOf('c1', '10.0.0.7', 299n * second)).toEqual(['long', 'short']);
    expect(table.namesOf('c1', '10.0.0.7', 301n * second)).toEqual(['long']);
    expect(table.namesOf('c1', '10.0.0.7', 3601n * second)).toEqual([]);
  });

  it('learns nothing from failures and from what is no answer', () => {
    const table = new NameTable();
    table.apply('c1', answer('a', ['10.0.0.7'], { responseCode: 'NXDOMAIN' }));
    table.apply('c1', answer('b', ['10.0.0.7'], { wellFormed: false }));
    expect(table.namesOf('c1', '10.0.0.7', 200n)).toEqual([]);
  });

  it('stays bounded', () => {
    const table = new NameTable();
    for (let index = 0; index < 5_000; index++) table.apply('c1', answer('n', [`10.0.${index >> 8}.${index & 255}`]));
    expect(table.namesOf('c1', '10.0.0.0', 200n)).toEqual([]);
    expect(table.namesOf('c1', `10.0.${4_999 >> 8}.${4_999 & 255}`, 200n)).toEqual(['n']);
  });
});

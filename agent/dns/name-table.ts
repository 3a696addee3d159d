import type { LRUCache } from 'lru-cache';
import { growingLru } from '../../common/lru.ts';
import type { DnsEvent } from '../decode/network-event.ts';
import type { DetectableEvent } from '../detect/attributed-event.ts';

const maxContainers = 4_096;
const maxAddresses = 2_048;
const maxNames = 8;
/** Programs keep addresses longer than they were told to. */
const minKeptSeconds = 300;
const maxKeptSeconds = 86_400;

/** Name → until when it counts, CLOCK_BOOTTIME. */
type Names = Map<string, bigint>;

/**
 * Which names each container was given an address for. What is in an answer is the word of whoever sent the packet: a hint
 * about a connection, never a proof.
 */
export class NameTable {
  readonly #containers = growingLru<string, LRUCache<string, Names>>(maxContainers);

  /** Learns from answers, and names the remote ends of connections. The events of a container come in order. */
  apply(containerId: string, event: DetectableEvent): void {
    if (event.kind === 'dns') this.#note(containerId, event);
    else if (event.kind === 'connect' || event.kind === 'tcp')
      event.remoteNames = this.namesOf(containerId, event.remoteAddress, event.ktimeNs);
  }

  #note(containerId: string, event: DnsEvent): void {
    if (!event.wellFormed || event.responseCode !== 'NOERROR' || event.queryName === '') return;
    for (const answer of event.answers) {
      if (answer.data === '' || (answer.type !== 'A' && answer.type !== 'AAAA')) continue;
      const seconds = Math.min(Math.max(answer.ttlSeconds, minKeptSeconds), maxKeptSeconds);
      this.#add(containerId, answer.data, event.queryName, event.ktimeNs + BigInt(seconds) * 1_000_000_000n);
    }
  }

  /** Newest first; empty when none is known. */
  namesOf(containerId: string, address: string, ktimeNs: bigint): readonly string[] {
    const names = this.#containers.get(containerId)?.get(address);
    if (names === undefined) return [];
    for (const [name, untilKtimeNs] of names) if (untilKtimeNs < ktimeNs) names.delete(name);
    return [...names.keys()].reverse();
  }

  #add(containerId: string, address: string, name: string, untilKtimeNs: bigint): void {
    let addresses = this.#containers.get(containerId);
    if (addresses === undefined) {
      addresses = growingLru(maxAddresses);
      this.#containers.set(containerId, addresses);
    }
    let names = addresses.get(address);
    if (names === undefined) {
      names = new Map();
      addresses.set(address, names);
    }
    names.delete(name);
    names.set(name, untilKtimeNs);
    if (names.size <= maxNames) return;
    const [oldest] = names.keys();
    if (oldest !== undefined) names.delete(oldest);
  }
}

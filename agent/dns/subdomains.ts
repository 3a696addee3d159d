import { growingLru } from '../../common/lru.ts';
import type { DetectableEvent } from '../detect/attributed-event.ts';

const maxDomains = 4_096;
const maxNames = 64;
const windowNs = 60_000_000_000n;

interface Window {
  sinceKtimeNs: bigint;
  /** Hashes of names: they are counted, never shown. */
  names: Set<number>;
}

/**
 * Counts how many different names below one domain a container asks for within a minute, up to 64: data that is carried out in
 * questions to a name server makes every name a new one.
 */
export class Subdomains {
  readonly #windows = growingLru<string, Window>(maxDomains);

  /** Notes the number on events of kind `dns`. The events of a container come in order. */
  apply(containerId: string, event: DetectableEvent): void {
    if (event.kind !== 'dns' || !event.wellFormed) return;
    const domain = domainOf(event.queryName);
    if (domain === '') return;
    const key = `${containerId} ${domain}`;
    let window = this.#windows.get(key);
    if (window === undefined || event.ktimeNs - window.sinceKtimeNs > windowNs) {
      window = { sinceKtimeNs: event.ktimeNs, names: new Set() };
      this.#windows.set(key, window);
    }
    if (window.names.size < maxNames) window.names.add(hashOf(event.queryName));
    event.subdomains = window.names.size;
  }
}

/**
 * The domain that somebody could have registered, by its shape: two labels, three below a country's `co` or `com`. Empty for
 * names with nothing below it.
 */
function domainOf(name: string): string {
  const labels = name.split('.');
  const [first = '', second = ''] = labels.slice(-2);
  const length = second.length === 2 && first.length <= 3 ? 3 : 2;
  return labels.length > length ? labels.slice(-length).join('.') : '';
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}

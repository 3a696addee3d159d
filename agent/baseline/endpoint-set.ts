import { AddressSet } from './address-set.ts';

/** Labels of a DNS name that are looked at for "*.suffix". */
const maxLabels = 32;

/** Destinations behind one port: by address, network, name or suffix of a name. */
export class EndpointSet {
  readonly #addresses = new AddressSet();
  readonly #names = new Set<string>();
  readonly #suffixes = new Set<string>();

  /** False when the text is no address and no network. */
  addAddress(text: string): boolean {
    return this.#addresses.add(text);
  }

  /** A name, or "*.suffix" for all names below it. False when the text is neither. */
  addName(text: string): boolean {
    const name = text.toLowerCase().replace(/\.$/, '');
    const isSuffix = name.startsWith('*.');
    const plain = isSuffix ? name.slice(2) : name;
    // The printable characters that names have in events, backslash for escaped bytes included.
    if (!/^[!-~]{1,1024}$/.test(plain) || plain.includes('*')) return false;
    (isSuffix ? this.#suffixes : this.#names).add(plain);
    return true;
  }

  get hasNames(): boolean {
    return this.#names.size + this.#suffixes.size > 0;
  }

  has(address: string, names: readonly string[]): boolean {
    return this.#addresses.has(address) || names.some((name) => this.#hasName(name));
  }

  #hasName(name: string): boolean {
    if (this.#names.has(name)) return true;
    if (this.#suffixes.size === 0) return false;
    let dot = name.indexOf('.');
    for (let label = 0; dot >= 0 && label < maxLabels; label++) {
      if (this.#suffixes.has(name.slice(dot + 1))) return true;
      dot = name.indexOf('.', dot + 1);
    }
    return false;
  }
}

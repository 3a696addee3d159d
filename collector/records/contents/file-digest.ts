/** The algorithms that package databases and SBOMs name, by number in a file chunk; 0 is "none". */
const algorithms = ['', 'md5', 'sha1', 'sha256', 'sha384', 'sha512'] as const;
const hexLengths = [0, 32, 40, 64, 96, 128] as const;

/** The digest as "algorithm:hex" in lower case; "" for what is none: unknown algorithm, wrong length, all zeros. */
export function canonicalDigest(algorithm: string, hex: string): string {
  const name = algorithm.toLowerCase().replaceAll('-', '');
  const number = (algorithms as readonly string[]).indexOf(name);
  if (number <= 0 || hex.length !== hexLengths[number] || !/^[0-9a-f]+$/i.test(hex) || /^0+$/.test(hex)) return '';
  return `${name}:${hex.toLowerCase()}`;
}

/** Number of the algorithm and the digest's bytes; number 0 for "" and for what is no digest. */
export function packDigest(digest: string): { algorithm: number; bytes: Uint8Array } {
  const colon = digest.indexOf(':');
  const canonical = canonicalDigest(digest.slice(0, Math.max(0, colon)), digest.slice(colon + 1));
  if (canonical === '') return { algorithm: 0, bytes: new Uint8Array() };
  const name = digest.slice(0, colon).toLowerCase().replaceAll('-', '');
  return {
    algorithm: (algorithms as readonly string[]).indexOf(name),
    bytes: Buffer.from(digest.slice(colon + 1), 'hex'),
  };
}

export function digestBytes(algorithm: number): number {
  return (hexLengths[algorithm] ?? 0) / 2;
}

export function unpackDigest(algorithm: number, bytes: Buffer): string {
  return algorithm === 0 ? '' : `${algorithms[algorithm]}:${bytes.toString('hex')}`;
}

const familyInet = 2;
const familyInet6 = 10;

export interface Address {
  family: 'ipv4' | 'ipv6';
  /** Canonical text (RFC 5952); an IPv4 address mapped into IPv6 is given as IPv4. */
  text: string;
}

/** Undefined for families other than IPv4 and IPv6. `bytes` holds 16 bytes, IPv4 in the first four. */
export function decodeAddress(family: number, bytes: Uint8Array): Address | undefined {
  if (family === familyInet) return { family: 'ipv4', text: ipv4Text(bytes, 0) };
  if (family !== familyInet6) return undefined;
  if (isMapped(bytes)) return { family: 'ipv4', text: ipv4Text(bytes, 12) };
  return { family: 'ipv6', text: ipv6Text(bytes) };
}

/** Network byte order, as the kernel keeps remote ports in the low 16 bits. */
export function decodePort(networkOrder: number): number {
  return ((networkOrder & 0xff) << 8) | ((networkOrder >>> 8) & 0xff);
}

function ipv4Text(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

function isMapped(bytes: Uint8Array): boolean {
  for (let index = 0; index < 10; index++) if (bytes[index] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from(
    { length: 8 },
    (_unused, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0),
  );
  const zeros = longestZeroRun(groups);
  const text = groups.map((group) => group.toString(16));
  if (zeros.length < 2) return text.join(':');
  return `${text.slice(0, zeros.start).join(':')}::${text.slice(zeros.start + zeros.length).join(':')}`;
}

function longestZeroRun(groups: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

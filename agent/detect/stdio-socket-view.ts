import type { StdioSocket } from '../decode/kernel-event.ts';

/** What a rule sees of a socket that a program has as its standard input, output or error. */
export class StdioSocketView {
  readonly #socket: StdioSocket;

  constructor(socket: StdioSocket) {
    this.#socket = socket;
  }

  get fd(): bigint {
    return BigInt(this.#socket.fd);
  }
  get family(): string {
    return this.#socket.family;
  }
  get peerAddress(): string {
    return this.#socket.peerAddress;
  }
  get peerPort(): bigint {
    return BigInt(this.#socket.peerPort);
  }
  get peerPid(): bigint {
    return BigInt(this.#socket.peerPid);
  }
  /** For evidence: "fd 0 → 203.0.113.9:4444". */
  toString(): string {
    const { fd, family, peerAddress, peerPort } = this.#socket;
    if (peerAddress === '') return `fd ${fd}: ${family}`;
    if (family === 'unix') return `fd ${fd} → ${peerAddress}`;
    return `fd ${fd} → ${family === 'ipv6' ? `[${peerAddress}]` : peerAddress}:${peerPort}`;
  }
}

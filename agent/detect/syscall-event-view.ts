import type { SyscallEvent } from '../decode/kernel-event.ts';

/** What a rule sees of a system call of the pack. */
export class SyscallEventView {
  readonly kind = 'syscall';
  readonly #event: SyscallEvent;

  constructor(event: SyscallEvent) {
    this.#event = event;
  }

  get syscallName(): string {
    return this.#event.syscallName;
  }
  get arguments(): readonly string[] {
    return this.#event.arguments;
  }
  get targetPid(): bigint | undefined {
    return optional(this.#event.targetPid);
  }
  get succeeded(): boolean {
    return this.#event.errno === 0;
  }
  get errno(): bigint {
    return BigInt(this.#event.errno);
  }
  get name(): string {
    return this.#event.name;
  }
  get stdioFd(): bigint | undefined {
    return optional(this.#event.stdioFd);
  }
  get peerAddress(): string {
    return this.#event.peerAddress;
  }
  get peerPort(): bigint {
    return BigInt(this.#event.peerPort);
  }
}

function optional(number: number | undefined): bigint | undefined {
  return number === undefined ? undefined : BigInt(number);
}

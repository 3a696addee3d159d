/** A numbered batch the collector has not acknowledged. */
export interface InFlightBatch {
  sequence: bigint;
  /** The encoded items; the batch is encoded again for a resend, because its number may have changed. */
  items: readonly Uint8Array[];
  bytes: number;
}

/** Batches between sending and acknowledgement, in order, without holes. */
export class InFlight {
  #batches: InFlightBatch[] = [];
  #nextSequence = 1n;
  #bytes = 0;

  get size(): number {
    return this.#batches.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get items(): number {
    return this.#batches.reduce((sum, batch) => sum + batch.items.length, 0);
  }

  get batches(): readonly InFlightBatch[] {
    return this.#batches;
  }

  add(items: readonly Uint8Array[]): InFlightBatch {
    const bytes = items.reduce((sum, item) => sum + item.byteLength, 0);
    const batch = { sequence: this.#nextSequence++, items, bytes };
    this.#batches.push(batch);
    this.#bytes += bytes;
    return batch;
  }

  /** Forgets what is acknowledged. False when the number was never sent: the other side does not speak of this agent. */
  acknowledge(sequence: bigint): boolean {
    if (sequence >= this.#nextSequence) return false;
    const acknowledged = this.#batches.filter((batch) => batch.sequence <= sequence);
    this.#batches = this.#batches.slice(acknowledged.length);
    for (const batch of acknowledged) this.#bytes -= batch.bytes;
    return true;
  }

  /** False when batches between the collector's number and the oldest one kept here exist no more: it lost its memory. */
  canResumeAfter(sequence: bigint): boolean {
    const firstKept = this.#batches[0]?.sequence ?? this.#nextSequence;
    return sequence >= firstKept - 1n && sequence < this.#nextSequence;
  }

  /** Numbers what is kept from 1 again, for a new epoch. */
  renumber(): void {
    this.#nextSequence = 1n;
    this.#batches = this.#batches.map((batch) => ({ ...batch, sequence: this.#nextSequence++ }));
  }
}

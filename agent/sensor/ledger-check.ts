import type { LedgerRow } from './ledger.ts';

/** What the check compares; in the product it is the sensor. */
export interface LedgerSides {
  /** The kernel's side. */
  ledger(): LedgerRow[];
  /** Records received of a type, by its number, from a CPU. */
  received(typeNumber: number, cpu: number): bigint;
  /** How far the kernel has handed out room in the ring. */
  producerPosition(): bigint;
  /** How far the ring has been read. */
  consumerPosition(): bigint;
}

/** Records that the kernel counted as sent and that were not received (positive), or the other way round (negative). */
export interface Mismatch {
  type: string;
  cpu: number;
  missing: bigint;
}

/**
 * Compares what the kernel sent with what was received, while records go on being sent. Two things hold at every moment:
 *
 * - The kernel counts a record as sent after it has its place in the ring. So all that a reading of the ledger counts lie
 *   before the producer's position as read after it; once the ring is read up to there, all of them have been received.
 * - The kernel counts a record as attempted before it can be read. So whatever has been received is counted in a reading of
 *   the ledger taken after it.
 *
 * A check is begun, and settled when the ring has been read far enough: a record that is still being written stops the
 * reader. Neither half needs anything to stand still, and neither ever reports what is only under way.
 */
export class LedgerCheck {
  readonly #sides: LedgerSides;
  /** What has been reported already, by type and CPU. */
  readonly #known = new Map<string, bigint>();
  #open: { rows: LedgerRow[]; position: bigint } | undefined;

  constructor(sides: LedgerSides) {
    this.#sides = sides;
  }

  /** Takes the kernel's side; nothing happens while a check is open. */
  begin(): void {
    if (this.#open !== undefined) return;
    const rows = this.#sides.ledger();
    this.#open = { rows, position: this.#sides.producerPosition() };
  }

  /** Undefined until the ring has been read up to where the check began; then what has come to differ since the last one. */
  settle(): Mismatch[] | undefined {
    const open = this.#open;
    if (open === undefined || this.#sides.consumerPosition() < open.position) return undefined;
    this.#open = undefined;
    const received = open.rows.map((row) => row.cpus.map((_counts, cpu) => this.#sides.received(row.typeNumber, cpu)));
    const later = new Map(this.#sides.ledger().map((row) => [row.typeNumber, row]));
    return open.rows.flatMap((row, index) =>
      row.cpus.flatMap((counts, cpu) => {
        const got = received[index]?.[cpu] ?? 0n;
        const attempted = later.get(row.typeNumber)?.cpus[cpu]?.attempted ?? counts.attempted;
        const lost = Object.values(counts.lost).reduce((sum, part) => sum + part, 0n);
        return this.#compare(row.type, cpu, { sent: counts.sent, lost, attempted, got });
      }),
    );
  }

  #compare(
    type: string,
    cpu: number,
    { sent, lost, attempted, got }: { sent: bigint; lost: bigint; attempted: bigint; got: bigint },
  ): Mismatch[] {
    const key = `${type} ${cpu}`;
    const known = this.#known.get(key) ?? 0n;
    const missing = sent - got - known;
    const surplus = got + known + lost - attempted;
    const change = missing > 0n ? missing : surplus > 0n ? -surplus : 0n;
    if (change === 0n) return [];
    this.#known.set(key, known + change);
    return [{ type, cpu, missing: change }];
  }
}

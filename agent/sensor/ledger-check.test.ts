import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LedgerRow } from './ledger.ts';
import { LedgerCheck } from './ledger-check.ts';

/**
 * A model of the kernel's and the reader's steps, each of which may come between any two others: a program counts its attempt,
 * gets its place or not, counts what became of it, finishes writing; the reader reads what is finished, up to the first
 * record that is not.
 */
class Model {
  readonly cpus = [0, 1].map(() => ({ attempted: 0n, sent: 0n, lost: 0n }));
  readonly ring: { cpu: number; finished: boolean; vanished: boolean }[] = [];
  readonly programs: { cpu: number; place: number | undefined; step: number; countsLate: boolean }[] = [];
  readonly received = [0n, 0n];
  read = 0;

  rows(): LedgerRow[] {
    const counts = this.cpus.map(({ attempted, sent, lost }) => ({
      ...{ attempted, sent },
      lost: { 'ring-full': lost, 'table-full': 0n, oversize: 0n, throttled: 0n },
    }));
    const sum = { attempted: 0n, sent: 0n, lost: { 'ring-full': 0n, 'table-full': 0n, oversize: 0n, throttled: 0n } };
    return [{ type: 'exec', typeNumber: 1, ...sum, cpus: counts }];
  }

  /** `countsLate`: as bpf_ringbuf_output, the record can be read before it is counted as sent. */
  begin(cpu: number, countsLate: boolean): void {
    this.programs.push({ cpu, place: undefined, step: 0, countsLate });
  }

  step(index: number, isFull: boolean, vanishes: boolean): void {
    const program = this.programs[index % this.programs.length];
    if (program === undefined) return;
    const counts = this.cpus[program.cpu];
    if (counts === undefined) return;
    program.step++;
    if (program.step === 1) counts.attempted++;
    else if (program.step === 2) {
      if (!isFull)
        program.place = this.ring.push({ cpu: program.cpu, finished: program.countsLate, vanished: vanishes }) - 1;
    } else if (program.step === 3) {
      if (program.place === undefined) counts.lost++;
      else counts.sent++;
    } else {
      const record = program.place === undefined ? undefined : this.ring[program.place];
      if (record !== undefined) record.finished = true;
      this.programs.splice(this.programs.indexOf(program), 1);
    }
  }

  drain(): void {
    for (let next = this.ring[this.read]; next?.finished === true; next = this.ring[this.read]) {
      this.read++;
      if (!next.vanished) this.received[next.cpu] = (this.received[next.cpu] ?? 0n) + 1n;
    }
  }
}

const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('begin' as const), cpu: fc.nat(1), late: fc.boolean() }) },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constant('step' as const),
      index: fc.nat(9),
      full: fc.boolean(),
      vanish: fc.nat(19),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('drain' as const, 'check' as const, 'settle' as const) }) },
);

function play(actions: readonly (typeof action extends fc.Arbitrary<infer T> ? T : never)[], mayVanish: boolean) {
  const model = new Model();
  const found = [0n, 0n];
  const check = new LedgerCheck({
    ledger: () => model.rows(),
    received: (_type, cpu) => model.received[cpu] ?? 0n,
    producerPosition: () => BigInt(model.ring.length),
    consumerPosition: () => BigInt(model.read),
  });
  const settle = (): void => {
    for (const { cpu, missing } of check.settle() ?? []) found[cpu] = (found[cpu] ?? 0n) + missing;
  };
  for (const one of actions) {
    if (one.do === 'begin') model.begin(one.cpu, one.late);
    else if (one.do === 'step') model.step(one.index, one.full, mayVanish && one.vanish === 0);
    else if (one.do === 'drain') model.drain();
    else if (one.do === 'check') check.begin();
    else settle();
  }
  while (model.programs.length > 0) model.step(0, false, false);
  model.drain();
  settle();
  check.begin();
  settle();
  const vanished = [0, 1].map((cpu) =>
    BigInt(model.ring.filter((record) => record.cpu === cpu && record.vanished).length),
  );
  return { found, vanished };
}

describe('LedgerCheck', () => {
  it('never reports what is only under way, whatever comes between what', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
        expect(play(actions, false).found).toEqual([0n, 0n]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('finds every record that vanished between kernel and reader, once, on its CPU', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
        const { found, vanished } = play(actions, true);
        expect(found).toEqual(vanished);
      }),
      { numRuns: 1_000 },
    );
  });

  it('finds records that nobody sent', () => {
    const model = new Model();
    model.received[1] = 2n;
    const check = new LedgerCheck({
      ledger: () => model.rows(),
      received: (_type, cpu) => model.received[cpu] ?? 0n,
      producerPosition: () => 0n,
      consumerPosition: () => 0n,
    });
    check.begin();
    expect(check.settle()).toEqual([{ type: 'exec', cpu: 1, missing: -2n }]);
    check.begin();
    expect(check.settle()).toEqual([]);
  });
});

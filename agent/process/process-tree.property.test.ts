import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { execOf, exitOf, forkOf, type TestProcess } from '../../test/support/kernel-events.ts';
import { maxAncestors } from './execution.ts';
import type { ProcessExecution } from './process.ts';
import { createProcessTree, type ProcessTree } from './process-tree.ts';

const containerId = 'c'.repeat(64);
const maxProcesses = 64;

/** The truth about one process: what `ps` of an all-knowing kernel would say. */
interface ModelProcess extends TestProcess {
  /** "program@pid" of the present execution first, then those before and above it. */
  chain: string[];
  forkChain: string[];
  hasExecuted: boolean;
  forebears: ReadonlySet<string>;
}

type Step =
  | { kind: 'fork'; which: number; pid: number; lost: boolean }
  | { kind: 'exec'; which: number; lost: boolean }
  | { kind: 'exit'; which: number; lost: boolean };

const steps = (lossy: boolean): fc.Arbitrary<Step[]> => {
  const which = fc.nat(40);
  const lost = lossy ? fc.boolean() : fc.constant(false);
  return fc.array(
    fc.oneof(
      // Few pids, so that they are used again and again.
      fc.record({ kind: fc.constant('fork' as const), which, pid: fc.integer({ min: 200, max: 215 }), lost }),
      fc.record({ kind: fc.constant('exec' as const), which, lost }),
      fc.record({ kind: fc.constant('exit' as const), which, lost }),
    ),
    { maxLength: 300, size: 'max' },
  );
};

function identity(process: TestProcess): string {
  return `${process.pid}:${process.startKtimeNs}`;
}

/** Plays steps against the model and the tree, a second of event time apart, so that after-lives end as well. */
class World {
  readonly tree: ProcessTree;
  readonly living: ModelProcess[];
  readonly ended: string[] = [];
  #ktimeNs = 1000n;
  #programs = 0;

  constructor() {
    const metrics = new Metrics('agent');
    this.tree = createProcessTree({ bootId: '0', logger: silentLogger, metrics, maxProcesses, procRoot: '/proc' });
    const init = { pid: 100, startKtimeNs: 1n, cgroupId: 82n, containerPid: 1 };
    const chain = ['init@100'];
    this.living = [{ ...init, chain, forkChain: [], hasExecuted: true, forebears: new Set() }];
    this.tree.onExec(execOf(init, 2n, 'init'), containerId);
  }

  play(step: Step): void {
    const process = this.living[step.which % this.living.length] as ModelProcess;
    this.#ktimeNs += 1_000_000_000n;
    if (step.kind === 'fork') this.#fork(process, step.pid, step.lost);
    else if (step.kind === 'exec') this.#exec(process, step.lost);
    else this.#exit(process, step.lost);
  }

  #fork(parent: ModelProcess, pid: number, lost: boolean): void {
    if (this.living.some((process) => process.pid === pid)) return;
    const program = (parent.chain[0] as string).split('@')[0];
    const child: ModelProcess = {
      ...{ pid, startKtimeNs: this.#ktimeNs, cgroupId: 82n },
      chain: [`${program}@${pid}`, ...parent.chain],
      forkChain: parent.chain,
      hasExecuted: false,
      forebears: new Set([...parent.forebears, identity(parent)]),
    };
    this.living.push(child);
    if (!lost) this.tree.onFork(forkOf(parent, this.#ktimeNs, child));
  }

  #exec(process: ModelProcess, lost: boolean): void {
    const program = `p${this.#programs++}`;
    const before = process.hasExecuted ? process.chain : process.forkChain;
    process.chain = [`${program}@${process.pid}`, ...before];
    process.hasExecuted = true;
    // The kernel names the present parent: the forker, or init once that has gone.
    const parent = this.living.findLast((candidate) => process.forebears.has(identity(candidate)));
    const init = { pid: 100, startKtimeNs: 1n, cgroupId: 82n };
    if (lost) return;
    this.tree.onExec(execOf(process, this.#ktimeNs, program, parent ?? init, { fromOutside: false }), containerId);
  }

  #exit(process: ModelProcess, lost: boolean): void {
    if (process.pid === 100) return;
    this.living.splice(this.living.indexOf(process), 1);
    if (lost) return;
    const ended = this.tree.onExit(exitOf(process, this.#ktimeNs, 3));
    if (ended !== undefined) this.ended.push(ended.executionId);
  }
}

function chainOf(execution: ProcessExecution | undefined): ProcessExecution[] {
  const links: ProcessExecution[] = [];
  for (let at = execution; at !== undefined; at = at.parent) links.push(at);
  return links;
}

describe('process tree against a model', () => {
  it('knows the lineage of every living process when no record is lost', () => {
    fc.assert(
      fc.property(steps(false), (sequence) => {
        const world = new World();
        for (const step of sequence) {
          world.play(step);
          for (const process of world.living) {
            const links = chainOf(world.tree.find(process.pid, process.startKtimeNs));
            const names = links.map((link) => `${link.executable.path}@${link.pid}`);
            expect(names).toEqual(process.chain.slice(0, names.length));
            expect(names.length).toBeGreaterThanOrEqual(Math.min(process.chain.length, maxAncestors / 2));
            expect(links.at(-1)?.parentMissing).toBe(names.length < process.chain.length);
            expect(links[0]?.endKtimeNs).toBeUndefined();
          }
        }
        expect(new Set(world.ended).size).toBe(world.ended.length);
      }),
      { numRuns: 60 },
    );
  });

  it('never invents an ancestor, and stays within its bounds, when records are lost', () => {
    fc.assert(
      fc.property(steps(true), (sequence) => {
        const world = new World();
        for (const step of sequence) {
          world.play(step);
          expect(world.tree.size).toBeLessThanOrEqual(maxProcesses);
          for (const process of world.living) {
            const links = chainOf(world.tree.find(process.pid, process.startKtimeNs));
            expect(links.length).toBeLessThanOrEqual(maxAncestors + 1);
            for (const link of links) {
              const known = identity({ ...link, cgroupId: 0n });
              // Itself, a forebear, or init as the foster parent.
              const truthful = known === identity(process) || process.forebears.has(known) || known === '100:1';
              expect(truthful, `${known} is no ancestor of ${identity(process)}`).toBe(true);
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

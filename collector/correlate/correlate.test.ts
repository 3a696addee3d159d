import { describe, expect, it, vi } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { Container } from '../../proto/generated/tallyman/v1/container.ts';
import { ExecutableLayer } from '../../proto/generated/tallyman/v1/process.ts';
import { Node } from '../../proto/generated/tallyman/v1/uplink.ts';
import { actingExecution, sampleFinding, sampleOwned, samplePapers } from '../publish/testing/sample-alert.ts';
import type { ContentsIndex } from '../records/contents/contents.ts';
import type { ImageQuery, ImageRecords, Ownership, Records } from '../records/papers.ts';
import { createCorrelator } from './correlate.ts';
import { ownershipOf } from './ownership.ts';

const node = Node.fromPartial({ name: 'n' });

function sbomSaying(ownership: Ownership): ContentsIndex {
  return {
    ...{ source: 'sbom', listsAllFiles: false, components: [], fileCount: 1, ownedFileCount: 1 },
    ...{ file: () => undefined, files: () => [], ownerOf: () => ownership },
  };
}

const papersNow = () => ({ ...samplePapers('verified'), checkedAtUnixMs: Date.now() });
const found: ImageRecords = { papers: papersNow(), sbom: sbomSaying(sampleOwned) };

/** Records whose look-up takes as long as the test says. */
class SlowRecords implements Records {
  readonly asked: ImageQuery[] = [];
  known: ImageRecords | undefined;
  readonly #answer: Promise<ImageRecords>;
  answer: (records: ImageRecords) => void = () => undefined;
  fail: (error: Error) => void = () => undefined;

  constructor() {
    this.#answer = new Promise((resolve, reject) => {
      this.answer = resolve;
      this.fail = reject;
    });
    this.#answer.catch(() => undefined);
  }

  lookup(): Promise<ImageRecords> {
    return this.#answer;
  }

  peek(image: ImageQuery): ImageRecords | undefined {
    this.asked.push(image);
    return this.known;
  }
}

function correlatorOn(records: Records, options: { papersWaitMs?: number; maxWaiting?: number } = {}) {
  return createCorrelator({ records, logger: silentLogger, metrics: new Metrics('collector'), ...options });
}

describe('correlate', () => {
  it('uses fresh papers at once', async () => {
    const records = new SlowRecords();
    records.known = found;
    const { papers } = await correlatorOn(records).correlate(sampleFinding(), node, 1);
    expect(papers).toBe(found.papers);
  });

  it('waits for papers, and takes them when they come in time', async () => {
    const records = new SlowRecords();
    const correlated = correlatorOn(records).correlate(sampleFinding(), node, 1);
    records.answer(found);
    expect((await correlated).papers.signature.outcome).toBe('verified');
  });

  it('goes on without them, and says for how long it has looked', async () => {
    vi.useFakeTimers();
    try {
      const correlated = correlatorOn(new SlowRecords()).correlate(sampleFinding(), node, 1);
      await vi.advanceTimersByTimeAsync(3000);
      const { papers, ownership } = await correlated;
      for (const paper of [papers.signature, papers.sbom, papers.provenance])
        expect(paper).toMatchObject({ outcome: 'unknown', reason: 'still looking after 3 s' });
      expect(ownership?.state).toBe('not-in-image');
    } finally {
      vi.useRealTimers();
    }
  });

  it('lets the findings of one image share the wait for one look-up', async () => {
    const correlator = correlatorOn(new SlowRecords(), { papersWaitMs: 40 });
    await correlator.correlate(sampleFinding(), node, 1);
    // The look-up still hangs, and its time is over: whoever comes now goes on before any later timer fires.
    const order: string[] = [];
    const later = correlator
      .correlate(sampleFinding(), node, 2)
      .then(({ papers }) => order.push(papers.signature.outcome));
    const timer = new Promise<void>((resolve) =>
      setTimeout(() => {
        order.push('timer');
        resolve();
      }, 40),
    );
    await Promise.all([later, timer]);
    expect(order).toEqual(['unknown', 'timer']);
  });

  it('falls back to older papers rather than to none', async () => {
    const records = new SlowRecords();
    records.known = { papers: samplePapers('absent'), sbom: undefined };
    const { papers } = await correlatorOn(records, { papersWaitMs: 1 }).correlate(sampleFinding(), node, 1);
    expect(papers.signature.outcome).toBe('absent');
  });

  it('survives a look-up that rejects', async () => {
    const records = new SlowRecords();
    const correlated = correlatorOn(records).correlate(sampleFinding(), node, 1);
    records.fail(new Error('registry on fire'));
    expect((await correlated).papers.signature).toMatchObject({
      outcome: 'unknown',
      reason: 'the look-up failed: registry on fire',
    });
  });

  it('lets only so many wait', async () => {
    const correlator = correlatorOn(new SlowRecords(), { maxWaiting: 1 });
    const first = correlator.correlate(sampleFinding(), node, 1);
    const second = await correlator.correlate(sampleFinding(), node, 1);
    expect(second.papers.signature.reason).toContain('too many');
    correlator.close();
    expect((await first).papers.signature.outcome).toBe('unknown');
  });

  it.each([
    ['no container', undefined],
    ['no image', Container.fromPartial({ id: 'x' })],
    ['an image without a name', Container.fromPartial({ image: {} })],
  ])('does not ask about %s', async (_, container) => {
    const records = new SlowRecords();
    const { papers } = await correlatorOn(records).correlate({ ...sampleFinding(), container }, node, 1);
    expect(papers.signature).toMatchObject({ outcome: 'unknown', reason: 'the image of the container is not known' });
    expect(records.asked).toEqual([]);
  });

  it('starts the look-up when a container starts', () => {
    const records = new SlowRecords();
    const correlator = correlatorOn(records);
    correlator.prefetch(sampleFinding().container as Container);
    correlator.prefetch(Container.fromPartial({}));
    expect(records.asked.map((query) => query.reference)).toEqual(['registry.acme.io:5000/checkout:4.2.1']);
  });
});

describe('whose program it is', () => {
  const acting = actingExecution(sampleFinding());
  const on = (layer: ExecutableLayer, path = '/usr/bin/dash') => ({
    ...acting,
    executable: { ...(acting.executable as NonNullable<typeof acting.executable>), layer, path },
  });

  it.each([ExecutableLayer.WRITABLE, ExecutableLayer.TMPFS, ExecutableLayer.MEMFD, ExecutableLayer.MOUNT])(
    'nobody asks the SBOM about layer %i',
    (layer) => {
      expect(ownershipOf(on(layer), found)).toMatchObject({ state: 'not-in-image', path: '/usr/bin/dash' });
    },
  );

  it('the SBOM answers for files of the image, with less confidence where the layer cannot be told', () => {
    expect(ownershipOf(on(ExecutableLayer.IMAGE), found)).toEqual(sampleOwned);
    for (const layer of [ExecutableLayer.UNKNOWN, ExecutableLayer.UNSPECIFIED])
      expect(ownershipOf(on(layer), found)).toEqual({ ...sampleOwned, confidence: 'medium' });
  });

  it('absent and unknown SBOMs are told apart', () => {
    const reasonWith = (outcome: 'absent' | 'unknown'): unknown =>
      ownershipOf(on(ExecutableLayer.IMAGE), { papers: samplePapers(outcome), sbom: undefined });
    expect(reasonWith('absent')).toMatchObject({
      state: 'no-ownership-data',
      reason: 'the image has no SBOM, and no inventory of it was taken',
    });
    expect(reasonWith('unknown')).toMatchObject({ reason: 'SBOM unknown: unknown in this test' });
  });

  it('a finding without a process has none, a process without a path no data', () => {
    expect(ownershipOf(undefined, found)).toBeUndefined();
    expect(ownershipOf({ ...acting, executable: undefined }, found)?.state).toBe('no-ownership-data');
  });
});

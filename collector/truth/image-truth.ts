import type { ImagePlaces } from '../images/image-places.ts';
import type { ImageQuery, ImageRecords, SbomPaper } from '../records/papers.ts';
import type { Store, StoredContainer } from '../store/store.ts';
import { compareContents, type Truth, type TruthSide } from './compare.ts';
import { executedPaths, unlistedOf } from './unlisted.ts';

/** An inventory, with why it may lack something: "" when it does not. */
export interface ContainedSide extends TruthSide {
  readonly incomplete: string;
}

export interface TruthSources {
  store: Pick<Store, 'listObservations' | 'getInventoryWork'>;
  places: Pick<ImagePlaces, 'count' | 'containersOf'>;
  /** What an inventory found; undefined when there is none. Throws what the store throws. */
  inventoryOf(imageKey: string): ContainedSide | undefined;
}

/** What an image declares, contains, and executed. */
export interface ImageTruth {
  imageKey: string;
  reference: string;
  sbom: SbomPaper;
  /** "received", "wanted", "asked", "failed: why", "none" */
  inventory: string;
  /** Undefined when there is no inventory. */
  containedPackages: number | undefined;
  /** Undefined when one of the two is not there. */
  comparison: Truth | undefined;
  executed: {
    /** Different programs of the image that ran. */
    programs: number;
    /** Of them those that no package owns; sorted. */
    unlisted: readonly string[];
  };
  /** How many run it. */
  running: number;
  /** Some of them. */
  containers: readonly StoredContainer[];
  /** Of all that it was made of. */
  fingerprint: string;
}

/** Containers whose executions are looked at. */
const maxContainers = 64;

/** Compares the three. */
export async function truthOf(
  query: ImageQuery,
  imageKey: string,
  records: ImageRecords,
  sources: TruthSources,
): Promise<ImageTruth> {
  const { store } = sources;
  const inventory = sources.inventoryOf(imageKey);
  const { sbom } = records;
  const containers = sources.places.containersOf(imageKey, maxContainers);
  const paths = executedBy(containers, store);
  const work = store.getInventoryWork(imageKey);
  const state = inventory === undefined ? (work?.state ?? 'none') : 'received';
  return {
    ...{ imageKey, reference: query.reference, sbom: records.papers.sbom, containers },
    running: sources.places.count(imageKey),
    inventory: state === 'failed' ? `failed: ${work?.reason ?? ''}` : state,
    containedPackages: inventory?.components.length,
    comparison:
      inventory === undefined || sbom === undefined
        ? undefined
        : compareContents(sbom, inventory, inventory.incomplete),
    executed: { programs: paths.length, unlisted: unlistedOf(paths, [sbom, inventory]) },
    fingerprint: JSON.stringify([
      ...[records.papers.sbom.outcome, records.papers.sbom.documentDigest, records.papers.sbom.reason],
      ...[sbom !== undefined, inventory !== undefined, work?.changedUnixMs, paths.length],
    ]),
  };
}

function executedBy(containers: readonly StoredContainer[], store: TruthSources['store']): string[] {
  const paths = new Set<string>();
  for (const { nodeName, container } of containers)
    for (const path of executedPaths(store.listObservations(nodeName, container.id))) paths.add(path);
  return [...paths];
}

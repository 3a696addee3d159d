import {
  ContainerState,
  type ListedContainer,
  type ListedPodSandbox,
  PodSandboxState,
} from '../../../proto/generated/runtime/v1/cri.ts';

export interface ListingChanges {
  /** Ids of containers and sandboxes to ask for. */
  changed: string[];
  /** Ids that were believed to live and are in no list any more. */
  gone: string[];
}

interface Listed {
  lives: boolean;
  state: number;
}

/** Compares what a runtime lists now with what it listed before. */
export class CriListing {
  #before: Map<string, Listed> | undefined;

  /**
   * `believed` are ids that others hold for living. Of what had ended before the first lists nothing is to be told; later,
   * something that is new and has ended already came and went between two lists.
   */
  compare(
    containers: readonly ListedContainer[],
    sandboxes: readonly ListedPodSandbox[],
    believed: ReadonlySet<string>,
  ): ListingChanges {
    const now = new Map<string, Listed>();
    for (const { id, state } of containers) now.set(id, { state, lives: state !== ContainerState.EXITED });
    for (const { id, state } of sandboxes) now.set(id, { state, lives: state === PodSandboxState.READY });
    const before = this.#before;
    this.#before = now;
    const changed = [...now].filter(([id, { lives, state }]) => {
      if (!lives && believed.has(id)) return true;
      return before === undefined ? lives : before.get(id)?.state !== state;
    });
    return { changed: changed.map(([id]) => id), gone: [...believed].filter((id) => !now.has(id)) };
  }

  /** The next lists show it as new. */
  forget(id: string): void {
    this.#before?.delete(id);
  }
}

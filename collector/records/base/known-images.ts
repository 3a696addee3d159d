/** An image whose config has been read, by the key of all its layers. */
export interface KnownImage {
  /** Of the top layer; see ImageConfig. */
  chainId: string;
  /** "docker.io/library/debian" */
  repository: string;
  /** "12-slim"; empty when it was not named by a tag. */
  tag: string;
  /** Of the manifest or index that the tag pointed to. */
  digest: string;
  layerCount: number;
  createdAtUnixMs: number | undefined;
}

/** All images that were ever looked at, to find those that others are built on. */
export interface KnownImages {
  putKnownImage(image: KnownImage, seenAtUnixMs: number): void;
  /** Every image with exactly these layers, at most 64. */
  findKnownImages(chainId: string): KnownImage[];
  /** When the newest image under this name was made. */
  newestKnownImage(repository: string, tag: string): number | undefined;
}

const maxInMemory = 1_000;

/** For a process that keeps nothing. */
export class MemoryKnownImages implements KnownImages {
  readonly #images: KnownImage[] = [];

  putKnownImage(image: KnownImage): void {
    const isSame = ({ chainId, repository, tag, digest }: KnownImage): boolean =>
      chainId === image.chainId && repository === image.repository && tag === image.tag && digest === image.digest;
    if (this.#images.some(isSame)) return;
    this.#images.push(image);
    if (this.#images.length > maxInMemory) this.#images.shift();
  }

  findKnownImages(chainId: string): KnownImage[] {
    return this.#images.filter((image) => image.chainId === chainId);
  }

  newestKnownImage(repository: string, tag: string): number | undefined {
    const times = this.#images.flatMap((image) =>
      image.repository === repository && image.tag === tag && image.createdAtUnixMs !== undefined
        ? [image.createdAtUnixMs]
        : [],
    );
    return times.length === 0 ? undefined : Math.max(...times);
  }
}

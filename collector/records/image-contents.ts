import type { ContentsIndex } from './contents/contents.ts';
import type { ContentsStore } from './contents/contents-store.ts';
import type { EncodedContents } from './contents/encode.ts';
import type { ImageIdentity, ImageRecords, Papers, RecordsCache } from './papers.ts';
import { sha256Digest } from './registry/digest.ts';
import type { EncodedSbom } from './sbom/model.ts';
import type { SbomDocument } from './sbom/paper.ts';
import { parseSbomAnywhere } from './sbom/parse-off-thread.ts';

export interface ImageContentsOptions {
  documents: Pick<RecordsCache, 'getDocument' | 'putDocument'>;
  contents: ContentsStore;
  /** A store failed; what is in memory serves on. */
  onError: (error: unknown) => void;
}

/** Joins papers with what is known of the image's contents: by the SBOM they name, and by an inventory of the image. */
export class ImageContents {
  readonly #documents: ImageContentsOptions['documents'];
  readonly #contents: ContentsStore;
  readonly #onError: (error: unknown) => void;

  constructor(options: ImageContentsOptions) {
    this.#documents = options.documents;
    this.#contents = options.contents;
    this.#onError = options.onError;
  }

  withInventory(papers: Papers, sbom: ContentsIndex | undefined): ImageRecords {
    // Where a runtime tells of an index only, that is what the inventory of its node's platform is kept by.
    const { configDigest, manifestDigest, indexDigest } = papers.identity;
    const digests = [configDigest, manifestDigest, indexDigest].filter((digest) => digest !== undefined);
    const inventory = this.#attempt(() =>
      digests.map((digest) => this.#contents.get(digest, 'inventory')).find((found) => found !== undefined),
    );
    return { papers, sbom, inventory };
  }

  /** Undefined when its contents are not kept, or cannot be read. */
  peekSbom({ sbom: { documentDigest } }: Papers): ContentsIndex | undefined {
    if (documentDigest === undefined) return undefined;
    return this.#attempt(() => this.#contents.get(documentDigest, 'document'));
  }

  /** Keeps the document as it came, and what it says of the image. */
  putSbom(identity: ImageIdentity, document: SbomDocument, sbom: EncodedSbom): Promise<ContentsIndex> {
    this.#attempt(() => this.#documents.putDocument(document.digest, document.mediaType, document.bytes));
    return this.#keep(identity, document.digest, sbom.contents);
  }

  /** From what is kept of it, else from the document, read again. */
  async loadSbom(papers: Papers): Promise<ContentsIndex | undefined> {
    const known = this.peekSbom(papers);
    const digest = papers.sbom.documentDigest;
    if (known !== undefined || digest === undefined) return known;
    const bytes = this.#attempt(() => this.#documents.getDocument(digest));
    if (bytes === undefined || sha256Digest(bytes) !== digest) return undefined;
    try {
      return await this.#keep(papers.identity, digest, (await parseSbomAnywhere(bytes)).contents);
    } catch (error) {
      // It was read before: by a version that took what this one refuses.
      this.#onError(error);
      return undefined;
    }
  }

  async #keep(
    { configDigest, manifestDigest }: ImageIdentity,
    documentDigest: string,
    contents: EncodedContents,
  ): Promise<ContentsIndex> {
    const images = [configDigest, manifestDigest].filter((digest) => digest !== undefined);
    try {
      if (images.length > 0) await this.#contents.putEncoded(images, 'sbom', contents);
      return await this.#contents.putEncoded([documentDigest], 'document', contents);
    } catch (error) {
      this.#onError(error);
      return this.#contents.hold([documentDigest], 'document', contents);
    }
  }

  #attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.#onError(error);
      return undefined;
    }
  }
}

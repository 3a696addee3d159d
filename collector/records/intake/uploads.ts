import { CodedError } from '../../../common/errors.ts';
import type { Metrics } from '../../../common/metrics.ts';
import { sha256Digest } from '../registry/digest.ts';
import { documentKindOf, namesItsImage } from './document-kind.ts';
import { maxSearchedBytes, subjectsOf } from './subjects.ts';
import { type Upload, type UploadStore, uploadLimits } from './upload.ts';

export interface NewUpload {
  bytes: Uint8Array;
  name: string;
  origin: Upload['origin'];
  /** Undefined: the document says which image it is about. */
  imageDigest: string | undefined;
}

export type UploadErrorCode =
  | 'PAPER_TOO_LARGE'
  | 'PAPER_UNSUPPORTED'
  | 'PAPER_NO_IMAGE'
  | 'PAPER_OTHER_IMAGE'
  | 'PAPERS_FULL';

/**
 * Papers that are brought instead of found: by the API or from a watched directory. They weigh what they prove: a document
 * without signature is as untrusted as one from a registry.
 */
export class Uploads {
  readonly #store: UploadStore;
  readonly #byImage = new Map<string, Upload[]>();
  /** When something last came or went for an image, Unix ms: papers looked up before are out of date. */
  readonly #changedAt = new Map<string, number>();
  readonly #listeners = new Set<(imageDigests: readonly string[]) => void>();
  readonly #received;
  #count = 0;
  #totalBytes = 0;

  constructor(store: UploadStore, metrics: Metrics) {
    this.#store = store;
    this.#received = metrics.counter('papers_received_total', 'Papers brought by API or directory, by result.', [
      'origin',
      'result',
    ]);
    for (const upload of store.listUploads()) this.#remember(upload);
  }

  /** Called with the digests whose papers changed; answers the way out. */
  onChange(listener: (imageDigests: readonly string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Keeps it, once per image it is about. Throws CodedError with an UploadErrorCode, or what the store throws. */
  add(brought: NewUpload, nowUnixMs: number): Upload[] {
    try {
      const made = this.#uploadsOf(brought, nowUnixMs);
      const fresh = made.filter((upload) => !this.#has(upload));
      this.#assertRoom(fresh);
      for (const upload of fresh) {
        this.#store.putUpload(upload, brought.bytes);
        this.#remember(upload);
      }
      this.#received.inc({ origin: brought.origin, result: fresh.length > 0 ? 'kept' : 'known' });
      this.#changed(fresh, nowUnixMs);
      return made;
    } catch (error) {
      this.#received.inc({ origin: brought.origin, result: error instanceof CodedError ? error.code : 'failed' });
      throw error;
    }
  }

  /** False when there is none such. */
  remove(imageDigest: string, documentDigest: string, nowUnixMs: number): boolean {
    const uploads = this.#byImage.get(imageDigest) ?? [];
    const upload = uploads.find((one) => one.documentDigest === documentDigest);
    if (upload === undefined) return false;
    this.#store.removeUpload(imageDigest, documentDigest);
    const left = uploads.filter((one) => one !== upload);
    if (left.length > 0) this.#byImage.set(imageDigest, left);
    else this.#byImage.delete(imageDigest);
    this.#count--;
    this.#totalBytes -= upload.rawBytes;
    this.#changed([upload], nowUnixMs);
    return true;
  }

  list(imageDigests?: Iterable<string>): Upload[] {
    if (imageDigests === undefined) return [...this.#byImage.values()].flat();
    return [...new Set(imageDigests)].flatMap((digest) => this.#byImage.get(digest) ?? []);
  }

  read({ imageDigest, documentDigest }: Upload): Uint8Array | undefined {
    return this.#store.getUploadedDocument(imageDigest, documentDigest);
  }

  /** Unix ms; 0 when nothing was ever brought for any of the digests. */
  changedAtUnixMs(imageDigests: Iterable<string>): number {
    let latest = 0;
    for (const digest of imageDigests) latest = Math.max(latest, this.#changedAt.get(digest) ?? 0);
    return latest;
  }

  #uploadsOf({ bytes, name, origin, imageDigest }: NewUpload, receivedAtUnixMs: number): Upload[] {
    if (bytes.byteLength > uploadLimits.maxDocumentBytes)
      throw coded('PAPER_TOO_LARGE', `${name} is larger than ${uploadLimits.maxDocumentBytes} bytes`);
    const found = documentKindOf(bytes);
    if (found.kind === undefined) throw coded('PAPER_UNSUPPORTED', `${name} cannot be used: ${found.reason}`);
    const { kind } = found;
    const subjects = subjectsOf(kind, bytes);
    if (imageDigest !== undefined && namesItsImage(kind) && subjects.length > 0 && !subjects.includes(imageDigest))
      throw coded('PAPER_OTHER_IMAGE', `${name} is about ${subjects[0]}, not about ${imageDigest}`);
    const images = imageDigest === undefined ? subjects : [imageDigest];
    if (images.length === 0)
      throw coded(
        'PAPER_NO_IMAGE',
        bytes.byteLength > maxSearchedBytes
          ? `${name} is too large to be searched for the image it is about`
          : `${name} does not say by digest which image it is about`,
        'name the image: its index, manifest or config digest',
      );
    const shown = name.slice(0, uploadLimits.maxNameLength);
    const document = { documentDigest: sha256Digest(bytes), name: shown, origin, kind, rawBytes: bytes.byteLength };
    return images.map((digest) => ({ imageDigest: digest, ...document, receivedAtUnixMs }));
  }

  #assertRoom(fresh: readonly Upload[]): void {
    const bytes = fresh.reduce((sum, { rawBytes }) => sum + rawBytes, 0);
    const crowded = fresh.find(
      ({ imageDigest }) => (this.#byImage.get(imageDigest)?.length ?? 0) >= uploadLimits.maxUploadsPerImage,
    );
    const hint = 'remove papers that are out of date';
    if (crowded !== undefined)
      throw coded('PAPERS_FULL', `${crowded.imageDigest} has ${uploadLimits.maxUploadsPerImage} papers already`, hint);
    if (this.#count + fresh.length > uploadLimits.maxUploads || this.#totalBytes + bytes > uploadLimits.maxTotalBytes)
      throw coded('PAPERS_FULL', `${this.#count} papers of ${this.#totalBytes} bytes are kept already`, hint);
  }

  #has({ imageDigest, documentDigest }: Upload): boolean {
    return this.#byImage.get(imageDigest)?.some((one) => one.documentDigest === documentDigest) === true;
  }

  #remember(upload: Upload): void {
    const { imageDigest, receivedAtUnixMs } = upload;
    this.#byImage.set(imageDigest, [...(this.#byImage.get(imageDigest) ?? []), upload]);
    this.#changedAt.set(imageDigest, Math.max(receivedAtUnixMs, this.#changedAt.get(imageDigest) ?? 0));
    this.#count++;
    this.#totalBytes += upload.rawBytes;
  }

  #changed(uploads: readonly Upload[], nowUnixMs: number): void {
    const digests = [...new Set(uploads.map(({ imageDigest }) => imageDigest))];
    for (const digest of digests) this.#changedAt.set(digest, nowUnixMs);
    if (digests.length > 0) for (const listener of this.#listeners) listener(digests);
  }
}

function coded(code: UploadErrorCode, message: string, hint?: string): CodedError<UploadErrorCode> {
  return new CodedError(code, message, hint === undefined ? {} : { hint });
}

import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDigest, sha256Digest } from './digest.ts';
import { RegistryError } from './errors.ts';
import { bareMediaType, ociIndex } from './media-types.ts';
import { type Descriptor, parseIndex, parseManifestDocument } from './oci.ts';

/** What a layout answers where a registry would answer 200. */
export interface LayoutAnswer {
  body: Buffer;
  contentType: string | undefined;
}

interface Content {
  /** Names of index.json (org.opencontainers.image.ref.name), as they are there. */
  names: ReadonlyMap<string, Descriptor>;
  mediaTypes: ReadonlyMap<string, string>;
  /** By the digest that a manifest names as its subject. */
  referrers: ReadonlyMap<string, readonly Descriptor[]>;
  /** Manifests, or the indexes that list them, by the digest of a config. */
  ofConfig: ReadonlyMap<string, readonly string[]>;
  /** Why a manifest could not be read: it may be a paper. */
  problem: string | undefined;
}

const refName = 'org.opencontainers.image.ref.name';
const containerdName = 'io.containerd.image.name';
const maxDocumentBytes = 4 * 1024 * 1024;
const maxManifests = 4_000;
const maxManifestBytes = 64 * 1024 * 1024;
const maxDepth = 4;

/** In front of the folder: the registry of what is in a layout. No host name has it. */
export const layoutPrefix = 'oci-layout:';

/**
 * A folder in the OCI image layout (https://github.com/opencontainers/image-spec/blob/main/image-layout.md) that answers
 * the paths of the distribution protocol. Like what a registry says, nothing of it is believed: whoever asks checks digests
 * and shapes. It is read again when index.json changes. Throws RegistryError.
 */
export class OciLayout {
  readonly registry: string;
  readonly #folder: string;
  #mark = '';
  #content: Promise<Content> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.registry = `${layoutPrefix}${folder}`;
  }

  /** GET below a repository ("host/name"): manifests/<tag or digest>, blobs/<digest>, referrers/<digest>. */
  async get(repository: string, path: string, maxBytes: number): Promise<LayoutAnswer | undefined> {
    const [kind, reference = ''] = path.split('/', 2);
    if (kind === 'blobs') return this.#blob(reference, maxBytes, undefined);
    const content = await this.#read();
    if (kind === 'referrers') return referrersAnswer(content, reference, this.registry);
    if (isDigest(reference)) return this.#blob(reference, maxBytes, content.mediaTypes.get(reference));
    const named = nameOf(content, repository, reference);
    return named === undefined ? undefined : this.#blob(named.digest, maxBytes, named.mediaType);
  }

  /** Of these digests, of manifests, indexes or configs, what is here as a manifest or index. */
  async find(digests: readonly string[]): Promise<string[]> {
    const { ofConfig, mediaTypes } = await this.#read();
    return digests.flatMap((digest) => (mediaTypes.has(digest) ? [digest] : (ofConfig.get(digest) ?? [])));
  }

  /** The digest under a full name, "host/name:tag". */
  async named(repository: string, tag: string): Promise<string | undefined> {
    return nameOf(await this.#read(), repository, tag)?.digest;
  }

  async #blob(digest: string, maxBytes: number, contentType: string | undefined): Promise<LayoutAnswer | undefined> {
    if (!isDigest(digest)) return undefined;
    const body = await this.#file(join('blobs', 'sha256', digest.slice('sha256:'.length)), maxBytes);
    return body === undefined ? undefined : { body, contentType };
  }

  async #read(): Promise<Content> {
    const { mtimeMs, size, ino } = await stat(join(this.#folder, 'index.json')).catch((cause: unknown) => {
      throw new RegistryError('REGISTRY_UNREACHABLE', `${this.registry} has no index.json that can be read`, { cause });
    });
    const mark = `${mtimeMs} ${size} ${ino}`;
    if (this.#content === undefined || mark !== this.#mark) {
      this.#mark = mark;
      this.#content = this.#walk();
      this.#content.catch(() => {
        this.#content = undefined;
      });
    }
    return this.#content;
  }

  async #walk(): Promise<Content> {
    const bytes = await this.#file('index.json', maxDocumentBytes);
    let top: readonly Descriptor[];
    try {
      top = parseIndex(JSON.parse(bytes?.toString('utf8') ?? '')).manifests;
    } catch (cause) {
      throw new RegistryError('REGISTRY_MALFORMED', `${this.registry}/index.json is no index`, { cause });
    }
    const walk = new Walk((digest) => this.#blob(digest, maxDocumentBytes, undefined).then((blob) => blob?.body));
    for (const descriptor of top) await walk.add(descriptor, undefined, 0);
    return { ...walk, names: namesOf(top) };
  }

  /** Undefined when it is not there. Nothing but a regular file of the folder itself is opened. */
  async #file(name: string, maxBytes: number): Promise<Buffer | undefined> {
    const path = join(this.#folder, name);
    let file: FileHandle | undefined;
    try {
      file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const { size } = await file.stat().then((info) => (info.isFile() ? info : Promise.reject(new Error('no file'))));
      if (size > maxBytes)
        throw new RegistryError('REGISTRY_TOO_LARGE', `${path} is larger than ${maxBytes} bytes; it was not read`);
      return await file.readFile();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      if (error instanceof RegistryError) throw error;
      throw new RegistryError('REGISTRY_UNREACHABLE', `${path} cannot be read`, { cause: error });
    } finally {
      await file?.close();
    }
  }
}

/** What hangs together in a layout, within bounds. */
class Walk {
  readonly mediaTypes = new Map<string, string>();
  readonly referrers = new Map<string, Descriptor[]>();
  readonly ofConfig = new Map<string, string[]>();
  problem: string | undefined;
  readonly #read: (digest: string) => Promise<Buffer | undefined>;
  #bytes = 0;

  constructor(read: (digest: string) => Promise<Buffer | undefined>) {
    this.#read = read;
  }

  async add(descriptor: Descriptor, index: string | undefined, depth: number): Promise<void> {
    const { digest } = descriptor;
    if (this.mediaTypes.has(digest)) return;
    if (this.mediaTypes.size >= maxManifests || this.#bytes > maxManifestBytes || depth > maxDepth) {
      this.problem = 'it has more manifests than are read';
      return;
    }
    try {
      const bytes = await this.#read(digest);
      // Images for other platforms are often left out of a copy.
      if (bytes === undefined) return;
      this.#bytes += bytes.length;
      if (sha256Digest(bytes) !== digest) throw new Error('its bytes have another digest');
      const document = parseManifestDocument(JSON.parse(bytes.toString('utf8')), descriptor.mediaType);
      this.mediaTypes.set(digest, descriptor.mediaType);
      if (document.kind === 'index') {
        for (const child of document.index.manifests) await this.add(child, digest, depth + 1);
        return;
      }
      const { config, subject } = document.manifest;
      push(this.ofConfig, config.digest, index ?? digest);
      if (subject != null) push(this.referrers, subject.digest, descriptor);
    } catch (error) {
      this.problem = `manifest ${digest} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}

function namesOf(descriptors: readonly Descriptor[]): Map<string, Descriptor> {
  const names = new Map<string, Descriptor>();
  for (const descriptor of descriptors)
    for (const key of [containerdName, refName]) {
      const name = descriptor.annotations?.[key];
      if (name !== undefined) names.set(name, descriptor);
    }
  return names;
}

/** A tag alone does not say of which repository; those that hold a digest say of which image, and that is enough. */
function nameOf({ names }: Content, repository: string, tag: string): Descriptor | undefined {
  return (
    names.get(`${repository}:${tag}`) ?? (/^sha256-[0-9a-f]{64}(\.[a-z]+)?$/.test(tag) ? names.get(tag) : undefined)
  );
}

function referrersAnswer({ referrers, problem }: Content, digest: string, registry: string): LayoutAnswer {
  if (problem !== undefined) throw new RegistryError('REGISTRY_MALFORMED', `${registry}: ${problem}`);
  const manifests = (referrers.get(digest) ?? []).map(({ mediaType, digest: of, size = 0 }) => {
    return { mediaType: bareMediaType(mediaType), digest: of, size };
  });
  const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests }));
  return { body, contentType: ociIndex };
}

import type { Container, Image, Mount, Posture } from '../container/container.ts';
import { present } from './present.ts';

/** What a rule sees of a container. */
export class ContainerView {
  readonly #container: Container;
  #posture: PostureView | undefined;

  constructor(container: Container) {
    this.#container = container;
  }

  get id(): string {
    return this.#container.id;
  }
  get name(): string | undefined {
    return present(this.#container.name);
  }
  get runtime(): string | undefined {
    return present(this.#container.runtime);
  }
  get namespace(): string | undefined {
    return present(this.#container.namespace);
  }
  get podName(): string {
    return this.#container.podName;
  }
  get podUid(): string {
    return this.#container.podUid;
  }
  get sandbox(): boolean {
    return this.#container.sandbox;
  }
  get startedUnixNs(): bigint | undefined {
    return this.#container.startedUnixNs === 0n ? undefined : this.#container.startedUnixNs;
  }
  get restartCount(): bigint {
    return BigInt(this.#container.restartCount);
  }
  get unusedCapabilities(): readonly string[] {
    return this.#container.unusedCapabilities;
  }
  /** A map, so that a label called "constructor" is nothing but a label. */
  get labels(): ReadonlyMap<string, string> {
    return new Map(Object.entries(this.#container.labels));
  }
  get image(): ImageView | undefined {
    return this.#container.image === undefined ? undefined : new ImageView(this.#container.image);
  }
  get posture(): PostureView | undefined {
    if (this.#container.posture === undefined) return undefined;
    this.#posture ??= new PostureView(this.#container.posture);
    return this.#posture;
  }
}

export class ImageView {
  readonly #image: Image;

  constructor(image: Image) {
    this.#image = image;
  }

  get reference(): string | undefined {
    return present(this.#image.reference);
  }
  get repository(): string | undefined {
    return present(repositoryOf(this.#image.reference));
  }
  get configDigest(): string | undefined {
    return present(this.#image.configDigest);
  }
  get repoDigests(): readonly string[] {
    return this.#image.repoDigests;
  }
  get targetDigest(): string | undefined {
    return present(this.#image.targetDigest);
  }
  get platform(): string | undefined {
    return present(this.#image.platform);
  }
}

/** The reference without its digest and tag; a colon before the last slash is a registry's port. */
function repositoryOf(reference: string): string {
  const name = reference.split('@', 1)[0] ?? '';
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name;
}

/** Facts that the runtime's specification did not tell are absent, not false. */
export class PostureView {
  readonly #posture: Posture;
  readonly #unknown: ReadonlySet<string>;

  constructor(posture: Posture) {
    this.#posture = posture;
    this.#unknown = new Set(posture.unknownFields.map(camelCase));
  }

  get privileged(): boolean | undefined {
    return this.#known('privileged');
  }
  get hostPid(): boolean | undefined {
    return this.#known('hostPid');
  }
  get hostNetwork(): boolean | undefined {
    return this.#known('hostNetwork');
  }
  get hostIpc(): boolean | undefined {
    return this.#known('hostIpc');
  }
  get hostUts(): boolean | undefined {
    return this.#known('hostUts');
  }
  get hostUser(): boolean | undefined {
    return this.#known('hostUser');
  }
  get hostNamespaces(): string[] {
    const shared = [];
    if (this.hostPid) shared.push('pid');
    if (this.hostNetwork) shared.push('network');
    if (this.hostIpc) shared.push('ipc');
    if (this.hostUts) shared.push('uts');
    return shared;
  }
  get addedCapabilities(): readonly string[] | undefined {
    return this.#known('addedCapabilities');
  }
  get droppedCapabilities(): readonly string[] | undefined {
    return this.#known('droppedCapabilities');
  }
  get seccompUnconfined(): boolean | undefined {
    return this.#known('seccompUnconfined');
  }
  get apparmorUnconfined(): boolean | undefined {
    return this.#known('apparmorUnconfined');
  }
  get noNewPrivileges(): boolean | undefined {
    return this.#known('noNewPrivileges');
  }
  get user(): string | undefined {
    return this.#known('user');
  }
  get readOnlyRootFilesystem(): boolean | undefined {
    return this.#known('readOnlyRootFilesystem');
  }
  get mounts(): MountView[] | undefined {
    return this.#known('mounts')?.map((mount) => new MountView(mount));
  }
  get devices(): readonly string[] | undefined {
    return this.#known('devices');
  }
  get runtimeSockets(): readonly string[] | undefined {
    return this.#known('runtimeSockets');
  }

  #known<Name extends keyof Posture>(name: Name): Posture[Name] | undefined {
    return this.#unknown.has(name) ? undefined : this.#posture[name];
  }
}

export class MountView {
  readonly #mount: Mount;

  constructor(mount: Mount) {
    this.#mount = mount;
  }

  get source(): string {
    return this.#mount.source;
  }
  get destination(): string {
    return this.#mount.destination;
  }
  get writable(): boolean {
    return this.#mount.writable;
  }
  get type(): string {
    return this.#mount.type;
  }
  toString(): string {
    return `${this.source}:${this.destination}:${this.writable ? 'rw' : 'ro'}`;
  }
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

import { join } from 'node:path';
import { type Attributor, createAttributor } from '../../agent/container/attributor.ts';
import { type ContainerDirectory, createContainerDirectory } from '../../agent/container/container-directory.ts';
import { DockerRuntime } from '../../agent/container/docker.ts';
import { hostSocketProbe } from '../../agent/container/runtime-sockets.ts';
import type { FileEvent } from '../../agent/decode/kernel-event.ts';
import type { AttributedEvent } from '../../agent/detect/attributed-event.ts';
import { FileWatch, type FileWatchOptions } from '../../agent/files/file-watch.ts';
import { loadWatchList } from '../../agent/files/watch-list.ts';
import { createProcessTree } from '../../agent/process/process-tree.ts';
import { Sensor } from '../../agent/sensor/sensor.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import type { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';
import { buildBusyboxImage, removeImage } from './busybox-image.ts';
import { type RunOptions, runContainer, type TestContainer } from './docker.ts';
import { until } from './docker-directory.ts';
import { bpfObject, cgroupRoot } from './sensor-session.ts';

export const filesImage = `tallyman-test-files:${process.pid}`;
export const shippedWatchList = join(import.meta.dirname, '../../agent/files/watched.yaml');

export type AttributedFileEvent = AttributedEvent & { event: FileEvent };

const applets =
  'sh cat cp ls sleep true mkdir rm rmdir chmod chown ln mv touch mknod truncate mount umount su id seq dd'.split(' ');
const files: Record<string, string> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n',
  'etc/group': 'root:x:0:\n',
  'etc/shadow': 'root:*:19000:0:99999:7:::\n',
  'etc/hosts.allow': '\n',
  'etc/cron.d/daily': '0 1 * * * root true\n',
  'var/log/auth.log': 'Jan 1 00:00:00 sshd: accepted\n',
  'root/.ssh/id_ed25519': 'a private key\n',
  'usr/share/doc/readme': 'nothing of interest\n',
};
const folders = 'usr/bin home/bob tmp proc sys dev var/tmp var/spool/cron data'.split(' ');

/** An image with the places that are watched. */
export function buildFilesImage(): Promise<void> {
  return buildBusyboxImage({ reference: filesImage, applets, programs: ['actor'], folders, files });
}

export function removeFilesImage(): Promise<void> {
  return removeImage(filesImage);
}

/** The agent from the kernel to attributed events, with everything it told of files. */
export class FilesLab {
  readonly events: AttributedFileEvent[] = [];
  readonly gaps: Gap[] = [];
  readonly metrics = new Metrics('agent');
  readonly watch: FileWatch;
  readonly #sensor: Sensor;
  readonly #directory: ContainerDirectory;
  readonly #attributor: Attributor;
  readonly #containers: TestContainer[] = [];

  constructor(options: Partial<Pick<FileWatchOptions, 'budget' | 'muteMs' | 'list' | 'way'>> = {}) {
    const parts = { logger: silentLogger, metrics: this.metrics };
    const tree = createProcessTree({ ...parts, bootId: '0123456789', maxProcesses: 10_000, procRoot: '/proc' });
    const docker = new DockerRuntime({ ...parts, probe: hostSocketProbe('/proc') });
    this.#directory = createContainerDirectory({
      ...{ ...parts, runtimes: [docker], cgroupRoot: cgroupRoot() },
      onUpdate: (container) => this.watch.onContainer(container),
      onVerdict: (cgroupId, verdict) => this.#sensor.tables.setVerdict(cgroupId, verdict),
      onForgotten: (cgroupId) => this.#sensor.tables.forgetCgroup(cgroupId),
    });
    this.#attributor = createAttributor({
      ...{ ...parts, directory: this.#directory, tree },
      emit: (attributed) => this.#onAttributed(attributed),
    });
    this.#sensor = new Sensor({
      ...{ ...parts, objectPath: bpfObject, procRoot: '/proc', cgroupRoot: cgroupRoot(), ringBytes: 8 * 1024 * 1024 },
      onEvent: (event) => this.#attributor.onEvent(event),
    });
    this.watch = new FileWatch({
      list: loadWatchList(shippedWatchList),
      ...{ ...parts, ...options, tree, procRoot: '/proc' },
      container: (id) => this.#directory.get(id),
      drainSensor: () => this.#sensor.drain(),
      onEvent: (event) => this.#attributor.onEvent(event),
      onGap: (gap) => this.gaps.push(gap),
    });
  }

  async start(): Promise<this> {
    this.#sensor.start();
    this.watch.start();
    await this.#directory.start();
    return this;
  }

  /** Starts a container that sleeps, and waits until its files are watched. */
  async run(options: Partial<RunOptions> = {}): Promise<TestContainer> {
    const container = await runContainer({ image: filesImage, command: ['sleep', '600'], ...options });
    this.#containers.push(container);
    await until('its files to be watched', () => this.watch.watches(container.id));
    return container;
  }

  of(container: TestContainer): AttributedFileEvent[] {
    return this.events.filter((each) => each.container.id === container.id);
  }

  /**
   * Runs a script in the container and answers what was told of files meanwhile. It ends with a deletion that is waited
   * for: the kernel's queue keeps the order, so that everything before has been told.
   */
  async did(container: TestContainer, script: string): Promise<AttributedFileEvent[]> {
    const before = this.of(container).length;
    const fence = `fence-${before}-${performance.now()}`;
    await container.exec(['sh', '-c', `${script}\n touch /etc/${fence}; rm /etc/${fence}; true`]);
    await until('the end of the script', () =>
      this.of(container).some(({ event }) => event.operation === 'delete' && event.path.endsWith(fence)),
    );
    return this.of(container)
      .slice(before)
      .filter(({ event }) => !event.path.includes('fence-'));
  }

  async close(): Promise<void> {
    for (const container of this.#containers) await container.remove();
    this.watch.close();
    this.#sensor.close();
    this.#attributor.close();
    await this.#directory.close();
  }

  #onAttributed(attributed: AttributedEvent): void {
    const { event } = attributed;
    if (event.kind === 'file') this.events.push({ ...attributed, event });
    if (event.kind === 'exec' && attributed.execution?.entry === 'container-init')
      this.watch.watch(attributed.container.id, attributed.execution.pid);
  }
}

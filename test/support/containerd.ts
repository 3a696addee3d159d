import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { removeCgroups } from './cgroups.ts';
import { CriClient, type Pod, type PodOptions } from './cri-client.ts';
import { until } from './docker-directory.ts';
import { buildOciArchive, type OciArchive } from './oci-image.ts';

const run = promisify(execFile);
const applets = ['sh', 'sleep', 'true', 'cat', 'id', 'mkdir', 'rmdir'];

/** A containerd of the test's own, with its CRI plugin: its files, socket and cgroups are beside those of the host. */
export class Containerd {
  readonly folder = mkdtempSync(join(tmpdir(), 'tallyman-containerd-'));
  readonly socketPath = join(this.folder, 'run/containerd.sock');
  readonly cgroupParent = `kubepods-tallyman-${process.pid}`;
  readonly cri = new CriClient(this.socketPath);
  readonly #pods = new Set<Pod>();
  #process: ChildProcess | undefined;
  #image: OciArchive | undefined;

  /** The image containers are started from; there once `start` has resolved. */
  get image(): OciArchive {
    if (this.#image === undefined) throw new Error('containerd has not been started');
    return this.#image;
  }

  async start(): Promise<void> {
    writeFileSync(join(this.folder, 'config.toml'), this.#config());
    await this.launch();
    if (this.#image !== undefined) return;
    this.#image = buildOciArchive('registry.test/shop/checkout:4.2', [], applets);
    const pause = buildOciArchive('registry.test/pause:1', ['/bin/sleep', '100000'], ['sleep']);
    for (const archive of [this.#image, pause]) await this.#import(archive);
  }

  /** Starts the daemon; containers that run are found again. */
  async launch(): Promise<void> {
    const log = openSync(join(this.folder, 'log'), 'a');
    const child = spawn('containerd', ['--config', join(this.folder, 'config.toml')], { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#process = child;
    await until('containerd', async () => {
      if (child.exitCode !== null)
        throw new Error(`containerd ended: ${readFileSync(join(this.folder, 'log'), 'utf8')}`);
      return await this.#ctr('version').catch(() => false);
    });
  }

  /** Ends the daemon and leaves its containers running. */
  async halt(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }

  async runPod(options: Omit<PodOptions, 'cgroupParent'>): Promise<Pod> {
    const cgroupParent = `/${this.cgroupParent}/besteffort/pod${options.uid}`;
    const pod = await this.cri.runPod({ ...options, cgroupParent });
    this.#pods.add(pod);
    return pod;
  }

  /** Removes pods, daemon, files and cgroups. */
  async remove(): Promise<void> {
    for (const pod of this.#pods) await this.cri.removePod(pod).catch(() => undefined);
    this.cri.close();
    await this.halt();
    rmSync(this.folder, { recursive: true, force: true });
    removeCgroups(this.cgroupParent);
  }

  async #import({ path, reference, manifestDigest }: OciArchive): Promise<void> {
    await this.#ctr('images', 'import', path);
    rmSync(path);
    // As after a pull: the image is known by its digest, too.
    await this.#ctr('images', 'tag', reference, `${reference.replace(/:[^:/]*$/, '')}@${manifestDigest}`);
  }

  async #ctr(...args: string[]): Promise<string> {
    return (await run('ctr', ['--address', this.socketPath, '--timeout', '5s', '-n', 'k8s.io', ...args])).stdout;
  }

  #config(): string {
    for (const name of ['run', 'cni']) mkdirSync(join(this.folder, name), { recursive: true });
    return `version = 2
root = "${this.folder}/root"
state = "${this.folder}/state"
[grpc]
  address = "${this.socketPath}"
[ttrpc]
  address = "${this.socketPath}.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.test/pause:1"
  disable_tcp_service = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${this.folder}/cni"
    conf_dir = "${this.folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    [plugins."io.containerd.grpc.v1.cri".containerd.default_runtime]
      runtime_type = "io.containerd.runc.v2"
      privileged_without_host_devices = true
`;
  }
}

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { removeCgroups } from './cgroups.ts';
import { until } from './docker-directory.ts';

const run = promisify(execFile);
const image = 'localhost/tallyman-test:1';

/** A podman of the test's own: images, containers and socket are in a folder, cgroups beside those of the host. */
export class Podman {
  readonly folder = mkdtempSync(join(tmpdir(), 'tallyman-podman-'));
  readonly socketPath = join(this.folder, 'podman.sock');
  readonly image = image;
  readonly cgroupParent = `tallyman-podman-${process.pid}`;
  #service: ChildProcess | undefined;

  async buildImage(): Promise<void> {
    const root = join(this.folder, 'image');
    mkdirSync(join(root, 'bin'), { recursive: true });
    copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
    for (const applet of ['sh', 'sleep', 'true']) symlinkSync('busybox', join(root, 'bin', applet));
    await run('tar', ['-C', root, '-cf', `${root}.tar`, '.']);
    await this.#podman('import', `${root}.tar`, image);
  }

  /** Starts a container; its id. */
  async run(name: string, ...command: string[]): Promise<string> {
    // podman's default limits are higher than what everybody may set.
    const limits = ['nofile=1024:1024', 'nproc=1024:1024'].flatMap((limit) => ['--ulimit', limit]);
    const placed = ['--network', 'none', '--cgroup-parent', this.cgroupParent, '--name', name];
    return await this.#podman('run', '-d', ...placed, ...limits, image, ...command);
  }

  async removeContainer(id: string): Promise<void> {
    await this.#podman('rm', '-f', '-t', '0', id);
  }

  /** Starts what podman.socket starts: the service that speaks Docker's API. */
  async serve(): Promise<void> {
    const service = spawn(
      'podman',
      [...this.#options(), 'system', 'service', '--time=0', `unix://${this.socketPath}`],
      {
        stdio: 'ignore',
      },
    );
    this.#service = service;
    await until('podman', () => {
      if (service.exitCode !== null) throw new Error(`podman's service ended with ${service.exitCode}`);
      return existsSync(this.socketPath);
    });
  }

  async remove(): Promise<void> {
    await this.#podman('rm', '-f', '-a', '-t', '0').catch(() => undefined);
    const service = this.#service;
    if (service !== undefined && service.exitCode === null) {
      const ended = new Promise((resolve) => service.once('exit', resolve));
      service.kill('SIGTERM');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
    removeCgroups(this.cgroupParent);
  }

  async #podman(...args: string[]): Promise<string> {
    return (await run('podman', [...this.#options(), ...args])).stdout.trim();
  }

  #options(): string[] {
    const places = { root: 'root', runroot: 'run', tmpdir: 'tmp' };
    return [
      ...Object.entries(places).flatMap(([option, name]) => [`--${option}`, join(this.folder, name)]),
      ...['--cgroup-manager', 'cgroupfs', '--runtime', 'runc', '--events-backend', 'file', '--storage-driver', 'vfs'],
    ];
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContainerState } from '../../agent/container/container.ts';
import {
  buildImage,
  cgroupIdOf,
  cleanUp,
  docker,
  dockerSocket,
  image,
  run,
  until,
  watched,
} from '../support/docker-directory.ts';

const folder = mkdtempSync(join(tmpdir(), 'tallyman-proxy-'));
let proxies = 0;

/** Stands between the agent and Docker, and can be cut. */
class CuttableProxy {
  readonly path = join(folder, `docker-${proxies++}.sock`);
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  async open(): Promise<void> {
    const server = createServer((client) => {
      const upstream = connect(dockerSocket);
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
      }
      client.pipe(upstream).pipe(client);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.path, resolve));
  }

  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

beforeAll(() => buildImage());
afterAll(async () => {
  await cleanUp();
  rmSync(folder, { recursive: true });
});

describe('container directory when Docker comes and goes', () => {
  it('loses and doubles nothing when Docker is away for a while', async () => {
    const proxy = new CuttableProxy();
    await proxy.open();
    const dies = await run(image, 'sleep', '600');
    const stays = await run(image, 'sleep', '600');
    const { directory, updates } = watched(proxy.path);
    await directory.start();
    expect(directory.status().runtimes[0]).toMatchObject({ name: 'docker', connected: true });
    await proxy.cut();
    await until('the disconnection', () => directory.status().runtimes[0]?.connected === false);
    expect(directory.status().runtimes[0]?.reason).not.toBe('');
    await docker('rm', '-f', dies);
    const comes = await run(image, 'sleep', '600');
    expect(directory.get(comes)).toBeUndefined();
    expect(directory.lookup(cgroupIdOf(`docker/${stays}`)).state).toBe('container');
    await proxy.open();
    await until('the reconnection', () => directory.status().runtimes[0]?.connected);
    await until('the end of one', () => directory.get(dies)?.state === ContainerState.EXITED);
    await until('the start of another', () => directory.get(comes)?.state === ContainerState.RUNNING);
    const endings = updates.filter((update) => update.id === dies && update.state === ContainerState.EXITED);
    expect(endings).toHaveLength(1);
    expect(updates.filter((update) => update.id === stays)).toHaveLength(1);
    await directory.close();
    await proxy.cut();
    await docker('rm', '-f', stays, comes);
  });

  it('starts without Docker, says so, and finds it later', async () => {
    const proxy = new CuttableProxy();
    const id = await run(image, 'sleep', '600');
    const { directory } = watched(proxy.path);
    await directory.start();
    expect(directory.status().runtimes[0]).toMatchObject({ connected: false, reason: expect.stringMatching(/ENOENT/) });
    const cgroupId = cgroupIdOf(`docker/${id}`);
    expect(directory.lookup(cgroupId)).toEqual({ state: 'pending', containerId: id });
    expect(directory.assume(cgroupId)).toMatchObject({ id, name: id.slice(0, 12), image: undefined, cgroupId });
    await proxy.open();
    await until('Docker', () => directory.status().runtimes[0]?.connected);
    const container = await until('the container', () => directory.get(id)?.image && directory.get(id));
    expect(container).toMatchObject({ runtime: 'docker', state: ContainerState.RUNNING, cgroupId });
    await directory.close();
    await proxy.cut();
    await docker('rm', '-f', id);
  });
});

import { mkdirSync, rmdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContainerState } from '../../agent/container/container.ts';
import {
  buildImage,
  cgroupIdOf,
  cgroupRoot,
  cleanUp,
  docker,
  image,
  run,
  until,
  type Watched,
  watched,
} from '../support/docker-directory.ts';

beforeAll(() => buildImage());
afterAll(cleanUp);

describe('container directory on a real Docker', () => {
  let subject: Watched;
  let before: string;

  beforeAll(async () => {
    before = await run('--name', `before-${process.pid}`, '-e', 'SECRET=x', image, 'sleep', '600');
    subject = watched();
    await subject.directory.start();
  });

  afterAll(async () => {
    await subject.directory.close();
  });

  it('knows a container that ran before, with image, posture and cgroup', async () => {
    const container = subject.directory.get(before);
    const cgroupId = cgroupIdOf(`docker/${before}`);
    expect(container).toMatchObject({
      name: `before-${process.pid}`,
      runtime: 'docker',
      namespace: 'docker',
      state: ContainerState.RUNNING,
      cgroupId,
      cgroupPath: `/docker/${before}`,
      initPid: Number(await docker('inspect', '-f', '{{.State.Pid}}', before)),
      image: { reference: image, configDigest: await docker('inspect', '-f', '{{.Image}}', before), targetDigest: '' },
    });
    expect(container?.image?.platform).toMatch(/^linux\//);
    expect(container?.labels).toMatchObject({ 'tallyman-test': String(process.pid) });
    expect(container?.posture).toMatchObject({ privileged: false, addedCapabilities: [], unknownFields: [] });
    expect(subject.directory.lookup(cgroupId)).toEqual({ state: 'container', container });
    expect(subject.verdicts.get(cgroupId)).toBe('watch');
    expect(subject.verdicts.get(cgroupIdOf('docker'))).toBe('ignore');
  });

  it('follows a container from its start to its end, through a new name', async () => {
    const id = await run('--name', `after-${process.pid}`, image, 'sleep', '600');
    const cgroupId = cgroupIdOf(`docker/${id}`);
    // The kernel's report of the new cgroup may be lost: the look-up itself has to find it.
    const lookup = await until('the look-up', () => {
      const answer = subject.directory.lookup(cgroupId);
      return answer.state === 'container' && answer.container.state === ContainerState.RUNNING && answer.container;
    });
    expect(lookup.initPid).toBeGreaterThan(0);
    await docker('rename', id, `renamed-${process.pid}`);
    await until('the new name', () => subject.directory.get(id)?.name === `renamed-${process.pid}`);
    await docker('rm', '-f', id);
    const exited = await until('the end', () => {
      const container = subject.directory.get(id);
      return container?.state === ContainerState.EXITED && container;
    });
    expect(exited.finishedUnixNs).toBeGreaterThan(exited.startedUnixNs);
    expect(subject.directory.lookup(cgroupId)).toEqual({ state: 'container', container: exited });
    expect(lookup.state).toBe(ContainerState.RUNNING);
  });

  it('attributes containers that live for 50 ms and are removed at once', async () => {
    const births: { id: string; cgroupId: bigint }[] = [];
    const watcher = watch(join(cgroupRoot, 'docker'), (_type, name) => {
      if (name === null || !/^[0-9a-f]{64}$/.test(name) || births.some((birth) => birth.id === name)) return;
      try {
        const cgroupId = cgroupIdOf(`docker/${name}`);
        births.push({ id: name, cgroupId });
        subject.directory.onCgroupMkdir({ kind: 'cgroup-mkdir', ktimeNs: 1n, cgroupId, path: `/docker/${name}` });
        // Docker may still be busy starting it, but events have to be kept from now on.
        expect.soft(['container', 'pending']).toContain(subject.directory.lookup(cgroupId).state);
      } catch {
        // Its removal is reported as well.
      }
    });
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      ids.push(await run('--rm', image, 'sleep', '0.05'));
      await until('the removal', async () => (await docker('ps', '-aq', '--filter', `id=${ids.at(-1)}`)) === '');
    }
    watcher.close();
    for (const id of ids) {
      const birth = births.find((candidate) => candidate.id === id);
      expect(birth).toBeDefined();
      if (birth === undefined) continue;
      subject.directory.onCgroupRmdir({
        ...{ kind: 'cgroup-rmdir', ktimeNs: 2n, cgroupId: birth.cgroupId, path: `/docker/${id}` },
      } as const);
      const container = await until('the end', () => {
        const answer = subject.directory.lookup(birth.cgroupId);
        return answer.state === 'container' && answer.container.state === ContainerState.EXITED && answer.container;
      });
      expect(container).toMatchObject({ id, cgroupId: birth.cgroupId, image: { reference: image } });
      expect(container.image?.configDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(container.posture?.unknownFields).toEqual([]);
    }
  });

  it('counts cgroups below a container as the container, and others as none', async () => {
    mkdirSync(join(cgroupRoot, `docker/${before}/sub/deeper`), { recursive: true });
    const other = `tallyman-test-${process.pid}`;
    mkdirSync(join(cgroupRoot, other));
    try {
      const child = cgroupIdOf(`docker/${before}/sub/deeper`);
      const answer = await until('the child', () => {
        const lookup = subject.directory.lookup(child);
        return lookup.state !== 'unknown' && lookup;
      });
      expect(answer).toEqual({ state: 'container', container: subject.directory.get(before) });
      expect(subject.directory.get(before)?.cgroupPath).toBe(`/docker/${before}`);
      expect(subject.directory.lookup(cgroupIdOf(other))).toEqual({ state: 'not-container' });
      expect(subject.verdicts.get(cgroupIdOf(other))).toBe('ignore');
    } finally {
      rmdirSync(join(cgroupRoot, `docker/${before}/sub/deeper`));
      rmdirSync(join(cgroupRoot, `docker/${before}/sub`));
      rmdirSync(join(cgroupRoot, other));
    }
  });

  it('finds a container in a cgroup of the user’s choice', async () => {
    const id = await run('--cgroup-parent', `/tallyman-parent-${process.pid}`, image, 'sleep', '600');
    const cgroupId = cgroupIdOf(`tallyman-parent-${process.pid}/${id}`);
    const container = await until('the container', () => {
      const answer = subject.directory.lookup(cgroupId);
      return answer.state === 'container' && answer.container;
    });
    expect(container).toMatchObject({ id, cgroupPath: `/tallyman-parent-${process.pid}/${id}` });
    expect(subject.verdicts.get(cgroupId)).toBe('watch');
    await docker('rm', '-f', id);
    rmdirSync(join(cgroupRoot, `tallyman-parent-${process.pid}`));
  });
});

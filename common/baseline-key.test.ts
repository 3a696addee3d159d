import { describe, expect, it } from 'vitest';
import { Container } from '../proto/generated/tallyman/v1/container.ts';
import { baselineKeyOf, baselineKeyText, imageRepository } from './baseline-key.ts';
import { workloadOf } from './workload.ts';

const hex = 'a'.repeat(64);

describe('imageRepository', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx'],
    ['index.docker.io/library/nginx:1.27', 'docker.io/library/nginx'],
    [`docker.io/acme/app:1@sha256:${hex}`, 'docker.io/acme/app'],
    ['127.0.0.1:5000/shop/web:v1', '127.0.0.1:5000/shop/web'],
    [`sha256:${hex}`, ''],
    [hex, ''],
    ['', ''],
    ['../../etc/passwd', ''],
  ])('%j is %j', (reference, repository) => {
    expect(imageRepository(reference)).toBe(repository);
  });
});

describe('workloadOf', () => {
  const pod = (podName: string, labels: Record<string, string> = {}): string =>
    workloadOf(Container.fromPartial({ name: 'app', namespace: 'payments', podName, labels }));

  it.each([
    ['checkout-7d9f8b6c5d-x2k4p', { 'pod-template-hash': '7d9f8b6c5d' }, 'checkout'],
    ['checkout-7d9f8b6c5d-x2k4p', {}, 'checkout'],
    ['checkout-7d9f8b6c5d-x2k4p', { 'pod-template-hash': 'other' }, 'checkout'],
    ['db-2', { 'statefulset.kubernetes.io/pod-name': 'db-2', 'controller-revision-hash': 'db-5c9' }, 'db'],
    ['db-12', {}, 'db'],
    ['proxy-x7k2p', { 'controller-revision-hash': '5c9' }, 'proxy'],
    ['backup-28534440-zxcvb', { 'batch.kubernetes.io/job-name': 'backup-28534440' }, 'backup'],
    ['backup-28534440-zxcvb', {}, 'backup'],
    ['migrate-zxcvb', { 'job-name': 'migrate' }, 'migrate'],
    ['standalone', {}, 'standalone'],
    ['web-frontend', {}, 'web-frontend'],
  ])('%s with %j is of %s', (podName, labels, owner) => {
    expect(pod(podName, labels)).toBe(`payments/${owner}/app`);
  });

  const named = (name: string, labels: Record<string, string> = {}): string =>
    workloadOf(Container.fromPartial({ name, namespace: 'docker', labels }));

  it('is the service in compose, and nothing for a one-off run of it', () => {
    const labels = { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'web' };
    expect(named('shop-web-1', labels)).toBe('shop/web');
    expect(named('shop-web-run-3f', { ...labels, 'com.docker.compose.oneoff': 'True' })).toBe('');
    expect(named('web.1.abc', { 'com.docker.swarm.service.name': 'web' })).toBe('web');
  });

  it('is the name that people gave, not one the runtime made up', () => {
    expect(named('postgres')).toBe('postgres');
    expect(named('hopeful_lamarr')).toBe('');
    expect(named('hopeful_lamarr3')).toBe('');
    expect(named('abcdef012345')).toBe('');
  });
});

describe('baselineKeyOf', () => {
  it('takes the config digest, else the target digest', () => {
    const image = { reference: 'nginx:1', configDigest: 'sha256:c', targetDigest: 'sha256:t' };
    const key = { repository: 'docker.io/library/nginx', imageDigest: 'sha256:c', workload: 'web' };
    expect(baselineKeyOf(Container.fromPartial({ name: 'web', image }))).toEqual({ key });
    expect(baselineKeyOf(Container.fromPartial({ name: 'web', image: { ...image, configDigest: '' } }))).toEqual({
      key: { ...key, imageDigest: 'sha256:t' },
    });
  });

  it('names an image that was started by its id after where it was pulled from', () => {
    const image = { reference: `sha256:${hex}`, configDigest: 'sha256:c', repoDigests: [`acme.io/app@sha256:${hex}`] };
    expect(baselineKeyOf(Container.fromPartial({ name: 'x', image }))).toMatchObject({
      key: { repository: 'acme.io/app' },
    });
  });

  it('says why there is none', () => {
    const image = { configDigest: 'sha256:c' };
    expect(baselineKeyOf(Container.fromPartial({ sandbox: true, image }))).toHaveProperty('none');
    expect(baselineKeyOf(Container.fromPartial({ image: { reference: 'a' } }))).toHaveProperty('none');
    expect(baselineKeyOf(Container.fromPartial({}))).toHaveProperty('none');
  });

  it('has texts that cannot be mixed up', () => {
    const one = { repository: 'a', imageDigest: 'b","c', workload: 'd' };
    const other = { repository: 'a', imageDigest: 'b', workload: 'c","d' };
    expect(baselineKeyText(one)).not.toBe(baselineKeyText(other));
  });
});

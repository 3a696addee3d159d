import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { Container, ContainerState } from '../../proto/generated/tallyman/v1/container.ts';
import { unknownPapers } from '../correlate/unknown-papers.ts';
import { decide } from '../decide/decide.ts';
import { loadDefaultPolicy } from '../decide/policy.ts';
import { createPipeline, type Pipeline } from '../pipeline.ts';
import { createPublisher, type Publisher } from '../publish/publisher.ts';
import { createSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { ImageFindings } from './image-findings.ts';
import { imageRules } from './image-rules.ts';

const digest = `sha256:${'7a'.repeat(32)}`;
const image = { reference: 'acme/app:1', repoDigests: [], configDigest: digest, targetDigest: '', platform: '' };
let directory: string;
let store: Store;
let publisher: Publisher;
let pipeline: Pipeline;
let findings: ImageFindings;

async function open(): Promise<void> {
  const logger = silentLogger;
  const metrics = new Metrics('collector');
  store = createSqliteStore({ file: join(directory, 'c.db'), logger, metrics });
  publisher = await createPublisher({ store, logger, metrics });
  const policy = loadDefaultPolicy();
  pipeline = createPipeline({
    ...{ store, publisher, cluster: 'test', logger, metrics },
    baselines: { learn: () => undefined, flush: () => undefined, alerted: () => undefined },
    correlator: {
      prefetch: () => undefined,
      correlate: async (finding, node, receivedAtUnixMs) => {
        const papers = unknownPapers(undefined, 'test', 1);
        return { finding, node, receivedAtUnixMs, papers, ownership: undefined };
      },
    },
    decide: (correlated) => decide(correlated, policy),
  });
  pipeline.start();
  findings = new ImageFindings({
    ...{ store, metrics },
    submit: (node, finding) => pipeline.submit(node, finding),
    ended: (alertId, reason) => publisher.ended(alertId, reason),
  });
}

async function close(): Promise<void> {
  await pipeline.close(0);
  await publisher.close(0);
  store.close();
}

function runs(name: string, state: ContainerState = ContainerState.RUNNING): void {
  const container = Container.fromPartial({ id: name.padEnd(64, '0'), name, namespace: 'shop', state, image });
  store.putContainer('node-1', container, Date.now());
}

const report = (packages: string[]) =>
  findings.report({
    ruleId: 'image-sbom-mismatch',
    image,
    summary: 'The SBOM of acme/app:1 does not say what is in it.',
    lists: [{ name: 'missing-from-sbom', entries: packages }],
  });
const alerts = () => store.listAlerts({ limit: 10 });

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-images-'));
  await open();
});
afterEach(async () => {
  await close();
  rmSync(directory, { recursive: true, force: true });
});

describe('findings about images', () => {
  it('become one alert with its evidence, however many containers run the image', async () => {
    runs('a');
    runs('b');
    runs('c');
    expect(await report(['curl 8.5.0'])).toBe('new');
    expect(await report(['curl 8.5.0'])).toBe('known');
    const [alert, ...others] = alerts();
    expect(others).toEqual([]);
    const { data } = JSON.parse(alert?.cloudEvent ?? '{}');
    expect(data.finding_info.title).toBe('The SBOM of acme/app:1 does not say what is in it.');
    expect(data.severity).toBe('Medium');
    expect(data.evidences[0].data.image).toEqual({
      ...{ digest, containers: 3 },
      'missing-from-sbom': { total: 1, entries: ['curl 8.5.0'] },
    });
    expect(data.evidences[0].data.fields['image.containers'].split(', ').sort()).toEqual([
      ...['a on node-1', 'b on node-1', 'c on node-1'],
    ]);
  });

  it('are not told again by the next run of the collector', async () => {
    runs('a');
    await report(['curl 8.5.0']);
    await close();
    await open();
    expect(await report(['curl 8.5.0'])).toBe('known');
    expect(alerts()).toHaveLength(1);
  });

  it('are the same alert when the collector died before it remembered them', async () => {
    runs('a');
    const forgetful = new ImageFindings({
      store: {
        ...{ listContainers: () => store.listContainers(), listNodes: () => [], getImageFinding: () => undefined },
        putImageFinding: () => {
          throw new Error('killed');
        },
      },
      submit: (node, finding) => pipeline.submit(node, finding),
      ended: () => undefined,
      metrics: new Metrics('collector'),
    });
    const lists = [{ name: 'missing-from-sbom', entries: ['curl 8.5.0'] }];
    const summary = 'The SBOM of acme/app:1 does not say what is in it.';
    await expect(forgetful.report({ ruleId: 'image-sbom-mismatch', image, summary, lists })).rejects.toThrow('killed');
    expect(await report(['curl 8.5.0'])).toBe('new');
    expect(alerts()).toHaveLength(1);
  });

  it('end when they no longer hold, and begin again', async () => {
    runs('a');
    await report(['curl 8.5.0']);
    expect(await findings.resolve('image-sbom-mismatch', image, 'the SBOM names all packages')).toBe(true);
    expect(await findings.resolve('image-sbom-mismatch', image, 'the SBOM names all packages')).toBe(false);
    const end = alerts().find(({ alertId }) => alertId.endsWith('-end'));
    expect(JSON.parse(end?.cloudEvent ?? '{}').data).toMatchObject({
      ...{ activity_name: 'Close', status: 'Resolved', status_detail: 'the SBOM names all packages', is_alert: false },
    });
    expect(await report(['curl 8.5.0'])).toBe('new');
    expect(alerts()).toHaveLength(3);
  });

  it('with other evidence take the place of the former', async () => {
    runs('a');
    await report(['curl 8.5.0']);
    expect(await report(['curl 8.5.0', 'jq 1.7'])).toBe('new');
    expect(alerts().filter(({ alertId }) => alertId.endsWith('-end'))).toHaveLength(1);
  });

  it('wait until something runs the image, and need a digest', async () => {
    runs('a', ContainerState.EXITED);
    expect(await report(['curl 8.5.0'])).toBe('not-running');
    const named = { ...image, configDigest: '' };
    expect(await findings.report({ ruleId: 'image-no-sbom', image: named, summary: 's' })).toBe('no-digest');
    await expect(findings.report({ ruleId: 'no-such-rule', image, summary: 's' })).rejects.toThrow('no-such-rule');
    expect(alerts()).toEqual([]);
  });
});

describe('rules about images', () => {
  it('are described as others are', () => {
    for (const rule of imageRules().values()) {
      expect(rule.description.length).toBeGreaterThan(100);
      expect(rule.remediation.length).toBeGreaterThan(50);
    }
    expect([...imageRules().keys()]).toEqual(expect.arrayContaining(['image-sbom-mismatch', 'image-no-sbom']));
  });
});

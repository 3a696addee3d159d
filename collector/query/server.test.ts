import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { Container, ContainerState } from '../../proto/generated/tallyman/v1/container.ts';
import { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';
import { Baselines } from '../baseline/baselines.ts';
import { defaultLearning } from '../baseline/options.ts';
import { unknownPapers } from '../correlate/unknown-papers.ts';
import { ContentsStore } from '../records/contents/contents-store.ts';
import { indexOf } from '../records/contents/testing/index-of.ts';
import { Uploads } from '../records/intake/uploads.ts';
import type { ImageQuery, ImageRecords, Records } from '../records/papers.ts';
import { SbomBuilder } from '../records/sbom/builder.ts';
import { createSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store, StoredAlert } from '../store/store.ts';
import { Readiness } from './readiness.ts';
import { createQueryServer, type QueryServerOptions } from './server.ts';

const digest = `sha256:${'d'.repeat(64)}`;
let directory: string;
let store: Store;
let readiness: Readiness;
let asked: ImageQuery[];
let closers: (() => unknown)[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-query-'));
  store = createSqliteStore({ file: join(directory, 'c.db'), logger: silentLogger, metrics: new Metrics('collector') });
  readiness = new Readiness();
  asked = [];
  closers = [() => store.close()];
});
afterEach(async () => {
  for (const close of closers.toReversed()) await close();
  rmSync(directory, { recursive: true, force: true });
});

const answer = (query: ImageQuery): ImageRecords => ({
  papers: { ...unknownPapers(query, 'registry is away', 1_000), freshForMs: 60_000 },
  sbom: undefined,
});
const records: Records = {
  lookup: async (query) => {
    asked.push(query);
    return answer(query);
  },
  peek: (query) => (query.reference === 'app:1' ? answer(query) : undefined),
};

function openBaselines(): Baselines {
  const metrics = new Metrics('collector');
  const options = { ...defaultLearning, connectedNodes: () => new Set<string>(), logger: silentLogger, metrics };
  return new Baselines({ store, records, ...options });
}

async function serve(change: Partial<QueryServerOptions> = {}): Promise<string> {
  const server = createQueryServer({
    listenAddress: '127.0.0.1:0',
    store,
    uploads: new Uploads(store, new Metrics('collector')),
    records,
    baselines: openBaselines(),
    readiness,
    registries: [new Metrics('agent').registry, new Metrics('collector').registry],
    status: () => ({ version: '0' }),
    logger: silentLogger,
    ...change,
  });
  closers.push(() => server.close());
  return server.start();
}

async function get(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { headers });
  const text = await response.text();
  return {
    status: response.status,
    type: (response.headers.get('content-type') ?? '').split(';')[0],
    headers: response.headers,
    text,
    json: () => JSON.parse(text),
  };
}

function putAlert(alertId: string, change: Partial<StoredAlert> = {}): void {
  store.putAlerts([
    {
      alertId,
      timeUnixMs: Date.parse('2026-11-23T03:00:00Z'),
      severity: 'high',
      ruleId: 'exec-drift',
      namespace: 'payments',
      nodeName: 'node-1',
      containerId: 'aa11',
      imageReference: 'app:1',
      subject: 's',
      traceparent: 't',
      cloudEvent: `{"specversion":"1.0","id":"${alertId}"}`,
      ...change,
    },
  ]);
}

function putContainer(id: string, name: string, state: Container['state'] = ContainerState.RUNNING): void {
  const image = {
    reference: 'app:1',
    configDigest: '',
    repoDigests: [`r.example/app@${digest}`],
    targetDigest: '',
    platform: 'linux/amd64',
  };
  store.putContainer(
    'node-1',
    Container.fromPartial({ id, name, namespace: 'payments', state, image, cgroupId: 2n ** 60n }),
    1_000,
  );
}

describe('health', () => {
  it('is ready only when no check is pending or failing, and says why not', async () => {
    const url = await serve();
    let state: 'pending' | 'degraded' | 'failing' = 'pending';
    readiness.add('nats', () => ({ state, reason: 'connecting' }));
    const remove = readiness.add('sensor', () => {
      throw new Error('no BTF');
    });
    expect(await get(`${url}/readyz`)).toMatchObject({ status: 503 });
    expect((await get(`${url}/readyz`)).json().checks.sensor).toEqual({ state: 'failing', reason: 'no BTF' });
    remove();
    expect((await get(`${url}/readyz`)).status).toBe(503);
    state = 'degraded';
    const ready = await get(`${url}/readyz`);
    expect([ready.status, ready.json().ready]).toEqual([200, true]);
    expect((await get(`${url}/healthz`)).json()).toEqual({ status: 'ok' });
  });
});

describe('alerts', () => {
  it('are answered as the events they are, newest first, filtered', async () => {
    const url = await serve();
    putContainer('aa11', 'web');
    putAlert('1');
    putAlert('2', { severity: 'low', timeUnixMs: Date.parse('2026-11-23T04:00:00Z') });
    const ids = async (query: string) =>
      (await get(`${url}/api/v1/alerts?${query}`)).json().alerts.map(({ id }: { id: string }) => id);
    expect(await ids('')).toEqual(['2', '1']);
    expect(await ids('severity=high')).toEqual(['1']);
    expect(await ids('since=2026-11-23T03:30:00Z')).toEqual(['2']);
    expect(await ids('since=2026-11-23T04:30:00%2B01:00')).toEqual(['2']);
    expect(await ids(`since=${Date.parse('2026-11-23T03:30:00Z')}&namespace=payments&rule=exec-drift`)).toEqual(['2']);
    expect(await ids('container=web&limit=1')).toEqual(['2']);
    expect(await ids('container=aa')).toEqual(['2', '1']);
    expect(await ids('container=gone')).toEqual([]);
    expect(await ids(`image=${digest}`)).toEqual(['2', '1']);
    const one = await get(`${url}/api/v1/alerts/1`);
    expect([one.type, one.text]).toEqual(['application/cloudevents+json', '{"specversion":"1.0","id":"1"}']);
  });

  it('say how often they came again, and when last', async () => {
    const url = await serve();
    putAlert('1', { cloudEvent: '{"id":"1","data":{"count":1,"finding_info":{"uid":"1","first_seen_time":5}}}' });
    const times = { firstUnixMs: 1_795_000_060_000, lastUnixMs: 1_795_000_090_000 };
    store.putRepeats({ alertId: '1', count: 41, ...times, updateEvent: '{}', publish: false });
    const is = { uid: '1', first_seen_time: 5, last_seen_time: 1_795_000_090_000, modified_time: 1_795_000_090_000 };
    const event = { id: '1', data: { count: 42, start_time: 5, end_time: 1_795_000_090_000, finding_info: is } };
    expect((await get(`${url}/api/v1/alerts/1`)).json()).toEqual(event);
    expect((await get(`${url}/api/v1/alerts`)).json()).toEqual({ alerts: [event] });
  });

  it.each([
    'limit=0',
    'limit=1001',
    'limit=x',
    'severity=bad',
    'since=yesterday',
    'since=2026-11-23',
    'colour=red',
    'rule=',
    'limit=1&limit=2',
  ])('with %s are a problem that names the parameter', async (query) => {
    const response = await get(`${await serve()}/api/v1/alerts?${query}`);
    expect(response).toMatchObject({ status: 400, type: 'application/problem+json' });
    expect(response.json()).toMatchObject({ type: 'about:blank', title: 'Invalid parameters', status: 400 });
    expect(response.json().detail).toContain(query.split('=')[0]);
  });
});

describe('containers', () => {
  it('are found by id, prefix and name, with what they were seen doing', async () => {
    const url = await serve();
    putContainer('aa11', 'web');
    putContainer('aa22', 'db', ContainerState.EXITED);
    store.putObservations([
      {
        nodeName: 'node-1',
        containerId: 'aa11',
        kind: 'executed',
        fact: '{"executablePath":"/bin/sh"}',
        firstSeenUnixMs: 0,
        lastSeenUnixMs: 1,
      },
    ]);
    const list = (await get(`${url}/api/v1/containers?state=running`)).json().containers;
    expect(list).toMatchObject([{ id: 'aa11', name: 'web', state: 'running', nodeName: 'node-1', image: 'app:1' }]);
    expect(list[0].container.cgroupId).toBe(String(2n ** 60n));
    for (const question of ['aa11', 'aa1', 'web'])
      expect((await get(`${url}/api/v1/containers/${question}`)).json().observations).toEqual([
        {
          kind: 'executed',
          fact: { executablePath: '/bin/sh' },
          firstSeen: '1970-01-01T00:00:00.000Z',
          lastSeen: '1970-01-01T00:00:00.001Z',
        },
      ]);
    expect(await get(`${url}/api/v1/containers/aa`)).toMatchObject({ status: 409 });
    expect(await get(`${url}/api/v1/containers/zz`)).toMatchObject({ status: 404, type: 'application/problem+json' });
    expect(await get(`${url}/api/v1/containers/%25`)).toMatchObject({ status: 404 });
  });
});

describe('privileges', () => {
  it('are those of a container, or of all containers of its image and workload', async () => {
    const url = await serve();
    const image = { reference: 'app:1', configDigest: digest };
    for (const [id, name] of Object.entries({ aa11: 'web', aa22: 'web', bb11: 'db' }))
      store.putContainer('node-1', Container.fromPartial({ id, name, image, state: ContainerState.EXITED }), 1_000);
    const idsOf = async (question: string): Promise<unknown> =>
      (await get(`${url}/api/v1/containers/${question}`)).json().containers.map(({ id }: { id: string }) => id);
    expect(await idsOf('aa11/privileges')).toEqual(['aa11']);
    expect(await idsOf('aa11/privileges?scope=workload')).toEqual(['aa11', 'aa22']);
    const report = (await get(`${url}/api/v1/containers/aa11/privileges?despiteGaps=true`)).json();
    // Nobody has told anything of it.
    expect(report.advice.withheld).toEqual([
      'the runtime did not tell how privileged it is',
      'what it was granted is not known',
    ]);
  });

  it('are asked for as everything else is', async () => {
    const url = await serve();
    putContainer('aa11', 'web');
    putContainer('aa22', 'db');
    expect(await get(`${url}/api/v1/containers/aa/privileges`)).toMatchObject({ status: 409 });
    expect(await get(`${url}/api/v1/containers/zz/privileges`)).toMatchObject({ status: 404 });
    expect(await get(`${url}/api/v1/containers/web/privileges?minWatchSeconds=-1`)).toMatchObject({ status: 400 });
    const noDigest = Container.fromPartial({ id: 'cc11', name: 'x' });
    store.putContainer('node-1', noDigest, 1_000);
    expect(await get(`${url}/api/v1/containers/cc11/privileges?scope=workload`)).toMatchObject({ status: 409 });
  });
});

describe('images', () => {
  it('are those of the containers, once each, with what is known of their papers', async () => {
    const url = await serve();
    putContainer('aa11', 'web');
    putContainer('aa22', 'db', ContainerState.EXITED);
    store.putContainer('node-1', Container.fromPartial({ id: 'bb', image: { reference: 'new:1' } }), 1);
    expect((await get(`${url}/api/v1/images`)).json()).toMatchObject({
      images: [
        {
          reference: 'app:1',
          containers: 2,
          running: 1,
          papers: { signature: 'unknown', checkedAt: '1970-01-01T00:00:01.000Z' },
        },
        { reference: 'new:1', containers: 1, running: 0, papers: { signature: 'unknown', sbom: 'unknown' } },
      ],
      omitted: 0,
    });
  });

  it('are looked up by any of their names, with all digests that are known', async () => {
    const url = await serve();
    putContainer('aa11', 'web');
    for (const name of ['app:1', digest, `r.example/app@${digest}`]) {
      const one = (await get(`${url}/api/v1/images/${encodeURIComponent(name)}`)).json();
      expect(one).toMatchObject({
        reference: 'app:1',
        signature: { outcome: 'unknown', reason: 'registry is away' },
        containers: [{ id: 'aa11' }],
      });
      expect(asked.at(-1)?.repoDigests).toEqual([`r.example/app@${digest}`]);
    }
    await get(`${url}/api/v1/images?ref=other.example/x:2`);
    expect(asked.at(-1)).toMatchObject({ reference: 'other.example/x:2', repoDigests: [] });
    expect(await get(`${url}/api/v1/images/sha256:${'0'.repeat(64)}`)).toMatchObject({ status: 404 });
    expect(await get(`${url}/api/v1/images?ref=a%0ab`)).toMatchObject({ status: 400 });
  });

  it('are found by package, and tell which files are its', async () => {
    const builder = new SbomBuilder();
    const dash = builder.addComponent({ purl: 'pkg:deb/debian/dash@1', name: 'dash', version: '1', type: undefined });
    for (const path of ['/usr/bin/dash', '/usr/share/doc/dash/copyright']) builder.addFile(path, dash);
    builder.addFile('/x', builder.addComponent({ purl: 'pkg:npm/x@1', name: 'x', version: '1', type: undefined }));
    const contents = new ContentsStore({ cache: store });
    const head = { format: 'syft', name: '', generator: undefined, createdAt: undefined } as const;
    await contents.put([digest], 'sbom', builder.build(head).contents);
    const url = await serve({ contents });
    const purl = encodeURIComponent('pkg:deb/debian/dash@1');
    const image = { imageDigest: digest, kind: 'sbom', package: { name: 'dash', version: '1', type: 'deb' } };
    for (const query of [`purl=${purl}`, 'name=dash', 'name=dash&version=1&type=deb'])
      expect((await get(`${url}/api/v1/packages?${query}`)).json()).toMatchObject({
        images: [image],
        truncated: false,
      });
    expect((await get(`${url}/api/v1/packages?name=dash&version=2`)).json()).toMatchObject({ images: [] });
    const files = `${url}/api/v1/packages/files?image=${digest}&purl=${purl}`;
    expect((await get(files)).json()).toEqual({
      ...{ source: 'sbom', paths: ['/usr/bin/dash', '/usr/share/doc/dash/copyright'], truncated: false },
    });
    expect((await get(`${files}&limit=1`)).json()).toMatchObject({ paths: ['/usr/bin/dash'], truncated: true });
    expect((await get(`${files}0`)).status).toBe(404);
    for (const wrong of ['packages', 'packages?name=', 'packages?name=a&limit=0', 'packages/files?image=x&purl=y'])
      expect((await get(`${url}/api/v1/${wrong}`)).status, wrong).toBe(400);
  });

  it('say whose a file is, and what each source knows of it', async () => {
    const builder = new SbomBuilder();
    const dash = builder.addComponent({
      purl: 'pkg:deb/debian/dash@1?distro=debian-12',
      name: 'dash',
      version: '1',
      type: undefined,
    });
    builder.addFile('/usr/bin/dash', dash, { digests: [{ algorithm: 'MD5', value: 'ab'.repeat(16) }], mode: 0o755 });
    const head = { format: 'syft', name: '', generator: undefined, createdAt: undefined } as const;
    const sbom = indexOf(builder.build(head).contents);
    const withSbom: Records = { ...records, lookup: async (query) => ({ ...answer(query), sbom }) };
    const url = await serve({ records: withSbom });
    const ask = (query: string) => get(`${url}/api/v1/images/${encodeURIComponent('r.example/x:1')}/file?${query}`);
    expect((await ask('path=/bin/dash')).json()).toMatchObject({
      ...{ reference: 'r.example/x:1', state: 'owned', method: 'alias', confidence: 'high', source: 'sbom' },
      ...{ path: '/bin/dash', canonicalPath: '/usr/bin/dash', declaredDigest: `md5:${'ab'.repeat(16)}` },
      owners: [{ name: 'dash' }],
      answers: [{ source: 'sbom', outcome: 'unknown', packages: 1, files: 1, state: 'owned' }],
    });
    expect((await ask('path=/usr/bin/dash')).json()).toMatchObject({ method: 'exact', file: { mode: 0o755 } });
    expect((await ask('path=/opt/x')).json()).toMatchObject({ state: 'unowned', answers: [{ state: 'unowned' }] });
    expect((await ask('path=relative')).status).toBe(400);
    expect((await ask('path=/x&sha256=abc')).status).toBe(400);
    expect((await ask('')).status).toBe(400);
  });
});

describe('who may ask', () => {
  it('is everybody on the machine, but no web page with a name of its own', async () => {
    const url = new URL(await serve());
    const statusFor = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        request({ host: url.hostname, port: url.port, path: '/api/v1/status', headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    expect(await statusFor(`localhost:${url.port}`)).toBe(200);
    expect(await statusFor(`evil.example:${url.port}`)).toBe(421);
  });

  it('is whoever has the token, where there is one', async () => {
    const url = await serve({ token: 'a-long-enough-token' });
    for (const path of ['/api/v1/alerts', '/metrics', '/api/v1/nothing']) {
      expect((await get(url + path)).status).toBe(401);
      expect((await get(url + path, { authorization: 'Bearer wrong' })).status).toBe(401);
      expect((await get(url + path, { authorization: 'Bearer a-long-enough-token' })).status).not.toBe(401);
    }
    expect((await get(`${url}/healthz`)).status).toBe(200);
  });

  it('is nobody on the network without a token', async () => {
    await expect(serve({ listenAddress: '0.0.0.0:0' })).rejects.toMatchObject({ code: 'http-insecure' });
    await expect(serve({ listenAddress: 'nonsense' })).rejects.toBeInstanceOf(CodedError);
  });
});

it('answers the metrics of all registries, and sends headers that keep browsers out', async () => {
  const agent = new Metrics('agent');
  agent.counter('records_total', 'r').inc(3);
  const collector = new Metrics('collector');
  collector.counter('alerts_total', 'a').inc(4);
  const url = await serve({ registries: [agent.registry, collector.registry] });
  const { text, headers } = await get(`${url}/metrics`);
  expect(text).toContain('tallyman_agent_records_total 3');
  expect(text).toContain('tallyman_collector_alerts_total 4');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('access-control-allow-origin')).toBeNull();
});

it('answers everything else with a problem, and does not tell what went wrong inside', async () => {
  const url = await serve({
    status: () => {
      throw new Error('secret /path');
    },
  });
  const broken = await get(`${url}/api/v1/status`);
  expect(broken).toMatchObject({ status: 500, type: 'application/problem+json' });
  expect(broken.text).not.toContain('secret');
  expect(await get(`${url}/api/v2/alerts`)).toMatchObject({ status: 404, type: 'application/problem+json' });
  const posted = await fetch(`${url}/api/v1/alerts`, { method: 'POST', body: 'x'.repeat(100_000) });
  expect(posted.status).toBeGreaterThanOrEqual(400);
  const long = await get(`${url}/api/v1/alerts/${'x'.repeat(3_000)}`);
  expect(long).toMatchObject({ status: 414, type: 'application/problem+json' });
});

describe('gaps', () => {
  it('are answered by node, container and window', async () => {
    const gap = { hop: 'budget', type: 'exec', reason: 'throttled', count: 14n, totalCount: 20n, ongoing: true };
    const window = { fromUnixNs: 1_000_000_000n, toUnixNs: 2_000_000_000n };
    const told = Gap.fromPartial({ ...gap, ...window, containerIds: ['c1'] });
    store.putGap({ nodeName: 'n1', gap: told, receivedAtUnixMs: 3_000 });
    const url = await serve();
    expect((await get(`${url}/api/v1/gaps?node=n1&container=c1&since=1500&until=1500`)).json()).toEqual({
      gaps: [
        {
          ...{ nodeName: 'n1', hop: 'budget', type: 'exec', reason: 'throttled', count: '14', totalCount: '20' },
          ...{ ongoing: true, from: '1970-01-01T00:00:01.000Z', to: '1970-01-01T00:00:02.000Z', containerIds: ['c1'] },
          receivedAt: '1970-01-01T00:00:03.000Z',
        },
      ],
    });
    expect((await get(`${url}/api/v1/gaps?container=other`)).json()).toEqual({ gaps: [] });
    expect(await get(`${url}/api/v1/gaps?limit=0`)).toMatchObject({ status: 400 });
  });
});

describe('papers over HTTP', () => {
  it('are taken, listed and removed', async () => {
    const url = `${await serve()}/api/v1/papers`;
    const body = JSON.stringify({ SchemaVersion: 2, ArtifactName: 'app', Results: [] });
    const send = (query: string, text: string) => fetch(`${url}${query}`, { method: 'POST', body: text });
    const taken = await send(`?image=${digest}&name=trivy.json`, body);
    expect(taken.status).toBe(201);
    const { papers } = (await taken.json()) as { papers: { documentDigest: string }[] };
    expect(papers).toMatchObject([{ imageDigest: digest, kind: 'trivy', name: 'trivy.json', origin: 'api' }]);
    expect(await (await fetch(`${url}?image=${digest}`)).json()).toMatchObject({ papers: [{ kind: 'trivy' }] });
    const one = `${url}/${papers[0]?.documentDigest}?image=${digest}`;
    expect((await fetch(one, { method: 'DELETE' })).status).toBe(204);
    expect((await fetch(one, { method: 'DELETE' })).status).toBe(404);
  });

  it('are refused with the reason', async () => {
    const url = `${await serve()}/api/v1/papers`;
    const send = (query: string, body: string, headers = {}) =>
      fetch(`${url}${query}`, { method: 'POST', body, headers });
    const refused = await send(`?image=${digest}`, '{"a":1}');
    expect(refused.status).toBe(422);
    expect(((await refused.json()) as { detail: string }).detail).toMatch(/none of the documents that are read.*a/);
    expect((await send('', '{"SchemaVersion":2,"Results":[]}')).status).toBe(422);
    expect((await send('?image=app:1', '{}')).status).toBe(400);
    expect((await send(`?image=${digest}`, '{}', { origin: 'https://evil.example' })).status).toBe(403);
  });
});

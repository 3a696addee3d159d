import Fastify, { type FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { CodedError, errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { isLoopbackAddress } from '../../common/loopback.ts';
import type { Baselines } from '../baseline/baselines.ts';
import type { ImageWatch } from '../image-watch.ts';
import type { ContentsStore } from '../records/contents/contents-store.ts';
import type { Uploads } from '../records/intake/uploads.ts';
import type { Records } from '../records/papers.ts';
import type { Store } from '../store/store.ts';
import { createGuard } from './guard.ts';
import { HttpProblem, sendProblem } from './problem.ts';
import type { Readiness } from './readiness.ts';
import { alertRoutes } from './routes/alerts.ts';
import { baselineRoutes } from './routes/baselines.ts';
import { containerRoutes } from './routes/containers.ts';
import { gapRoutes } from './routes/gaps.ts';
import { healthRoutes } from './routes/health.ts';
import { imageFileRoutes } from './routes/image-file.ts';
import { imageSbomRoutes } from './routes/image-sbom.ts';
import { imageRoutes } from './routes/images.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { packageRoutes } from './routes/packages.ts';
import { paperRoutes } from './routes/papers.ts';
import { privilegeRoutes } from './routes/privileges.ts';
import { type StatusSource, statusRoutes } from './routes/status.ts';
import { truthRoutes } from './routes/truth.ts';

export interface QueryServerOptions {
  /** "host:port"; port 0 takes a free one. */
  listenAddress: string;
  /** Bearer token; required when the address is not a loopback one. */
  token?: string;
  store: Store;
  records: Records;
  /** What images contain; without it there are no routes for packages. */
  contents?: ContentsStore;
  baselines: Baselines;
  /** Without it nothing is said of what images contain. */
  images?: Pick<ImageWatch, 'truthOf'>;
  uploads: Uploads;
  readiness: Readiness;
  /** Answered together by /metrics. */
  registries: readonly Registry[];
  status: StatusSource;
  logger: Logger;
}

export interface QueryServer {
  /** Answers the base URL. Throws CodedError http-insecure, http-address-invalid or http-listen-failed. */
  start(): Promise<string>;
  close(): Promise<void>;
}

/** The collector's HTTP API, see docs/api.md. */
export function createQueryServer(options: QueryServerOptions): QueryServer {
  const app = createApp(options);
  return {
    start: () => listen(app, options),
    close: () => app.close(),
  };
}

const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

function createApp(options: QueryServerOptions): FastifyInstance {
  const app = Fastify({
    bodyLimit: 16 * 1024,
    requestTimeout: 30_000,
    // An image is named by its URL-encoded reference.
    routerOptions: { maxParamLength: 2_048 },
    forceCloseConnections: true,
    // Of the proxy headers nothing is believed.
    trustProxy: false,
    // What fails before a route is found, such as a name that is too long.
    frameworkErrors: (error, _request, reply) =>
      sendProblem(reply, new HttpProblem(error.statusCode ?? 400, 'Bad request', error.message)),
  });
  const guard = createGuard(options.token);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    guard(request);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, new HttpProblem(404, 'Not found', `there is no ${request.method} ${request.url.slice(0, 200)}`)),
  );
  app.setErrorHandler((error, request, reply) => {
    if (error instanceof HttpProblem) return sendProblem(reply, error);
    const status = statusOf(error);
    if (status < 500) return sendProblem(reply, new HttpProblem(status, 'Bad request', errorText(error)));
    options.logger.error({ err: error, url: request.url }, 'a request to the HTTP API failed');
    const detail =
      error instanceof CodedError ? `${error.code}; see the log of the collector` : 'see the log of the collector';
    return sendProblem(reply, new HttpProblem(500, 'Internal error', detail));
  });
  healthRoutes(app, options.readiness);
  metricsRoutes(app, options.registries);
  alertRoutes(app, options.store);
  containerRoutes(app, options.store);
  baselineRoutes(app, options.baselines, options.store);
  privilegeRoutes(app, options.store);
  gapRoutes(app, options.store);
  paperRoutes(app, options.uploads);
  imageRoutes(app, options.store, options.records);
  if (options.images !== undefined) truthRoutes(app, options.store, options.images);
  imageFileRoutes(app, options.store, options.records);
  if (options.contents !== undefined) packageRoutes(app, options.contents);
  statusRoutes(app, options.status);
  imageSbomRoutes(app, options.store, options.records);
  return app;
}

async function listen(app: FastifyInstance, options: QueryServerOptions): Promise<string> {
  const { listenAddress, token } = options;
  if (token === undefined && !isLoopbackAddress(listenAddress))
    throw new CodedError('http-insecure', `the HTTP API would be open to the network on ${listenAddress}`, {
      hint: 'listen on a loopback address such as 127.0.0.1:8600, or configure a token',
    });
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(listenAddress);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined)
    throw new CodedError('http-address-invalid', `"${listenAddress}" is no address for the HTTP API`, {
      hint: 'give HOST:PORT, for example 127.0.0.1:8600 or [::1]:8600',
    });
  try {
    await app.listen({ host, port: Number(match?.[3]) });
  } catch (thrown) {
    throw new CodedError('http-listen-failed', `cannot listen for HTTP on ${listenAddress}`, {
      cause: thrown,
      hint: 'is another collector running on this address?',
    });
  }
  const bound = app.server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : Number(match?.[3]);
  return `http://${match?.[1] === undefined ? host : `[${host}]`}:${port}`;
}

function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return 500;
  return typeof error.statusCode === 'number' ? error.statusCode : 500;
}

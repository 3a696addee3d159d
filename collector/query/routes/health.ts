import type { FastifyInstance } from 'fastify';
import type { Readiness } from '../readiness.ts';

/** /healthz: the process answers. /readyz: it does what it is there for; the body says of each part how it is, and why. */
export function healthRoutes(app: FastifyInstance, readiness: Readiness): void {
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const report = readiness.report();
    return reply.code(report.ready ? 200 : 503).send(report);
  });
}

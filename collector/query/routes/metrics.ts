import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';

/** The Prometheus text of all registries; in `tallyman up` the agent's is one of them. */
export function metricsRoutes(app: FastifyInstance, registries: readonly Registry[]): void {
  app.get('/metrics', async (_request, reply) => {
    const merged = Registry.merge([...registries]);
    return reply.type(merged.contentType).send(await merged.metrics());
  });
}

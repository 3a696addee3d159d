import type { FastifyInstance } from 'fastify';

/** Answers what /api/v1/status shows; a value that JSON can hold. */
export type StatusSource = () => object;

/** The collector, its nodes and sinks, and what is known to be missing. */
export function statusRoutes(app: FastifyInstance, status: StatusSource): void {
  app.get('/api/v1/status', async () => status());
}

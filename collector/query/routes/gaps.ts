import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { toGapStatus } from '../../status.ts';
import type { Store } from '../../store/store.ts';
import { parseParameters } from '../problem.ts';

const text = z.string().min(1).max(256);
const time = z.union([
  z.iso.datetime({ offset: true }).transform((written) => Date.parse(written)),
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number),
]);
const listParameters = z.strictObject({
  node: text.optional(),
  /** A full id: gaps of it, and those of which it is not known whose they are. */
  container: text.optional(),
  since: time.optional(),
  until: time.optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .pipe(z.number().min(1).max(1_000))
    .default(100),
});

/** What is known not to have been seen, newest first. */
export function gapRoutes(app: FastifyInstance, store: Pick<Store, 'listGaps'>): void {
  app.get('/api/v1/gaps', async (request) => {
    const { node, container, since, until, limit } = parseParameters(listParameters, request.query);
    const gaps = store.listGaps({
      limit,
      ...(node === undefined ? {} : { nodeName: node }),
      ...(container === undefined ? {} : { containerId: container }),
      ...(since === undefined ? {} : { fromUnixMs: since }),
      ...(until === undefined ? {} : { toUnixMs: until }),
    });
    return { gaps: gaps.map(toGapStatus) };
  });
}

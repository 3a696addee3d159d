import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { baselineKeyOf, baselineKeyText } from '../../../common/baseline-key.ts';
import { readEvidence } from '../../privileges/evidence.ts';
import { privilegeReport } from '../../privileges/report.ts';
import type { Store, StoredContainer } from '../../store/store.ts';
import { findContainer } from '../find-container.ts';
import { HttpProblem, parseParameters } from '../problem.ts';

const pathParameters = z.strictObject({ question: z.string().min(1).max(256) });
const queryParameters = z.strictObject({
  scope: z.enum(['container', 'workload']).default('container'),
  /** How long it must have been watched for advice, in seconds. */
  minWatchSeconds: z
    .string()
    .regex(/^\d{1,7}$/)
    .transform(Number)
    .default(86_400),
  /** Advice in spite of what is not known. */
  despiteGaps: z.enum(['true', 'false']).default('false'),
});

/** Containers of a workload that are judged together: the one asked for, and those that come first in the list. */
const maxContainers = 100;

/** With how little a container could do. */
export function privilegeRoutes(app: FastifyInstance, store: Store): void {
  app.get('/api/v1/containers/:question/privileges', async (request) => {
    const { question } = parseParameters(pathParameters, request.params);
    const { scope, minWatchSeconds, despiteGaps } = parseParameters(queryParameters, request.query);
    const asked = findContainer(store, question);
    const containers = scope === 'container' ? [asked] : workloadOf(store, asked);
    return privilegeReport(readEvidence(store, containers), {
      scope,
      nowUnixMs: Date.now(),
      minWatchMs: minWatchSeconds * 1_000,
      despiteGaps: despiteGaps === 'true',
    });
  });
}

/** All containers of the same image and workload. */
function workloadOf(store: Store, asked: StoredContainer): StoredContainer[] {
  const answer = baselineKeyOf(asked.container);
  if ('none' in answer)
    throw new HttpProblem(409, 'No workload', `it cannot be told which containers are the same: ${answer.none}`);
  const wanted = baselineKeyText(answer.key);
  const others = store.listContainers().filter(({ nodeName, container }) => {
    if (nodeName === asked.nodeName && container.id === asked.container.id) return false;
    const one = baselineKeyOf(container);
    return 'key' in one && baselineKeyText(one.key) === wanted;
  });
  return [asked, ...others].slice(0, maxContainers);
}

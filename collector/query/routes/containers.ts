import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Container, ContainerState } from '../../../proto/generated/tallyman/v1/container.ts';
import type { Store, StoredContainer } from '../../store/store.ts';
import { findContainer } from '../find-container.ts';
import { parseParameters } from '../problem.ts';

const listParameters = z.strictObject({
  state: z.enum(['created', 'running', 'exited']).optional(),
  namespace: z.string().min(1).max(256).optional(),
});
const containerParameters = z.strictObject({ question: z.string().min(1).max(256) });

const stateWords: Record<number, string> = {
  [ContainerState.CREATED]: 'created',
  [ContainerState.RUNNING]: 'running',
  [ContainerState.EXITED]: 'exited',
};

/** Containers as their agents reported them, running ones first; one of them with what it was seen doing. */
export function containerRoutes(app: FastifyInstance, store: Store): void {
  app.get('/api/v1/containers', async (request) => {
    const { state, namespace } = parseParameters(listParameters, request.query);
    const containers = store.listContainers().map(toJson);
    const matching = containers.filter(
      (one) => (state ?? one.state) === one.state && (namespace ?? one.namespace) === one.namespace,
    );
    return { containers: matching };
  });

  app.get('/api/v1/containers/:question', async (request) => {
    const { question } = parseParameters(containerParameters, request.params);
    const only = findContainer(store, question);
    const observations = store.listObservations(only.nodeName, only.container.id).map((seen) => ({
      kind: seen.kind,
      fact: JSON.parse(seen.fact) as unknown,
      firstSeen: new Date(seen.firstSeenUnixMs).toISOString(),
      lastSeen: new Date(seen.lastSeenUnixMs).toISOString(),
    }));
    return { ...toJson(only), observations };
  });
}

function toJson(stored: StoredContainer) {
  const { container, nodeName, updatedAtUnixMs } = stored;
  return {
    id: container.id,
    name: container.name,
    namespace: container.namespace,
    state: stateWords[container.state] ?? 'unknown',
    nodeName,
    image: container.image?.reference ?? '',
    updatedAt: new Date(updatedAtUnixMs).toISOString(),
    /** The whole report, in the JSON form of proto/tallyman/v1/container.proto: 64-bit numbers are strings. */
    container: Container.toJSON(container),
  };
}

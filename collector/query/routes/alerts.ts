import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { SeverityWord } from '../../decide/alert.ts';
import { severityWords } from '../../decide/severity.ts';
import { withRepeats } from '../../publish/format-repeats.ts';
import type { Store } from '../../store/store.ts';
import { HttpProblem, parseParameters } from '../problem.ts';

const text = z.string().min(1).max(1_024);
const listParameters = z.strictObject({
  severity: z.enum(severityWords as [SeverityWord, ...SeverityWord[]]).optional(),
  rule: text.optional(),
  namespace: text.optional(),
  /** Id, unambiguous prefix or name. */
  container: text.optional(),
  image: text.optional(),
  /** RFC 3339 with a zone, or Unix milliseconds. */
  since: z
    .union([
      z.iso.datetime({ offset: true }).transform((time) => Date.parse(time)),
      z
        .string()
        .regex(/^\d{1,15}$/)
        .transform(Number),
    ])
    .optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .pipe(z.number().min(1).max(1_000))
    .default(100),
});
const alertParameters = z.strictObject({ id: z.string().min(1).max(128) });

/** Alerts as NATS carries them, CloudEvents in structured mode; those that came again say how often and when last. */
export function alertRoutes(app: FastifyInstance, store: Store): void {
  app.get('/api/v1/alerts', async (request, reply) => {
    const { rule, container, since, ...parameters } = parseParameters(listParameters, request.query);
    const alerts = store.listAlerts({
      ...parameters,
      ruleId: rule,
      sinceUnixMs: since,
      containerId: container === undefined ? undefined : containerIdOf(store, container),
    });
    // Put together as text: only events that came again are parsed and written anew on their way.
    const body = `{"alerts":[${alerts.map(withRepeats).join(',')}]}`;
    return reply.type('application/json; charset=utf-8').send(body);
  });

  app.get('/api/v1/alerts/:id', async (request, reply) => {
    const { id } = parseParameters(alertParameters, request.params);
    const alert = store.getAlert(id);
    if (alert === undefined) throw new HttpProblem(404, 'No such alert', `no alert has the id ${id}`);
    return reply.type('application/cloudevents+json; charset=utf-8').send(withRepeats(alert));
  });
}

/** Alerts outlive containers, so what is not known (any more) is taken for a full id. */
function containerIdOf(store: Store, question: string): string {
  const found = new Set(store.findContainers(question, 16).map(({ container }) => container.id));
  if (found.size > 1)
    throw new HttpProblem(409, 'Ambiguous container', `"${question}" fits more than one container`, {
      containers: [...found],
    });
  const [only] = found;
  return only ?? question;
}

import type { FastifyReply } from 'fastify';
import type { z } from 'zod';

/** An answer other than success, https://www.rfc-editor.org/rfc/rfc9457. */
export class HttpProblem extends Error {
  readonly status: number;
  readonly title: string;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(status: number, title: string, detail: string, extra: Readonly<Record<string, unknown>> = {}) {
    super(detail);
    this.status = status;
    this.title = title;
    this.extra = extra;
  }
}

export function sendProblem(reply: FastifyReply, problem: HttpProblem): FastifyReply {
  const { status, title, message, extra } = problem;
  return reply
    .code(status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', title, status, detail: message, ...extra }));
}

/** The checked parameters of a request; throws a problem that names every wrong one. */
export function parseParameters<T extends z.ZodType>(schema: T, parameters: unknown): z.infer<T> {
  const parsed = schema.safeParse(parameters);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map((issue) => ({ parameter: issue.path.join('.'), message: issue.message }));
  const detail = errors
    .map(({ parameter, message }) => (parameter === '' ? message : `${parameter}: ${message}`))
    .join('; ');
  throw new HttpProblem(400, 'Invalid parameters', detail, { errors });
}

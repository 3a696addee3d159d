import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  type BaselineFile,
  formatBaselineFile,
  maxBaselineFileBytes,
  parseBaselineFile,
} from '../../../common/baseline-file.ts';
import { problemText } from '../../../common/file-problem.ts';
import type { Baselines } from '../../baseline/baselines.ts';
import { differenceOf } from '../../baseline/difference.ts';
import type { EditProblem } from '../../baseline/edit.ts';
import { findBaselines } from '../../baseline/find.ts';
import type { BaselineHead } from '../../baseline/head.ts';
import { baselineDetail, baselineSummary } from '../../baseline/view.ts';
import type { Store } from '../../store/store.ts';
import { HttpProblem, parseParameters } from '../problem.ts';

const id = z.string().regex(/^[0-9a-f]{16}$/, 'must be the id of a baseline: 16 hexadecimal digits');
const listParameters = z.strictObject({ of: z.string().min(1).max(1_024).optional() });
const oneParameters = z.strictObject({ id });
const formatParameters = z.strictObject({ format: z.enum(['json', 'yaml']).default('json') });
const applyParameters = z.strictObject({ dryRun: z.enum(['true', 'false']).default('false') });

/** What workloads normally do: read, edited with a file, frozen. */
export function baselineRoutes(app: FastifyInstance, baselines: Baselines, store: Store): void {
  app.removeContentTypeParser('text/plain');
  // Files are read as they are, so that what is wrong is told at its place.
  for (const type of ['application/yaml', 'application/json'])
    app.addContentTypeParser(type, { parseAs: 'string', bodyLimit: maxBaselineFileBytes }, (_request, body, done) =>
      done(null, body),
    );

  app.get('/api/v1/baselines', async (request) => {
    const { of } = parseParameters(listParameters, request.query);
    const heads = of === undefined ? [...baselines.book.heads.values()] : findBaselines(baselines, store, of);
    return { baselines: heads.map((head) => baselineSummary(baselines, head)) };
  });

  app.get('/api/v1/baselines/:id', async (request, reply) => {
    const head = headOf(baselines, request);
    const { format } = parseParameters(formatParameters, request.query);
    reply.header('etag', `"${baselines.versionOf(head.id)}"`);
    if (format === 'json') return baselineDetail(baselines, head);
    const file = formatBaselineFile({ ...head, content: baselines.factsOf(head.id).content() });
    return reply.type('application/yaml').send(file);
  });

  app.put('/api/v1/baselines/:id', { bodyLimit: maxBaselineFileBytes }, async (request, reply) =>
    put(baselines, request, reply),
  );

  for (const [word, frozen] of [
    ['freeze', true],
    ['unfreeze', false],
  ] as const)
    app.post(`/api/v1/baselines/:id/${word}`, async (request) => {
      const head = headOf(baselines, request);
      const problem = baselines.setFrozen(head.id, frozen);
      if (problem !== undefined) throw editProblem(problem);
      return baselineSummary(baselines, head);
    });
}

function put(baselines: Baselines, request: FastifyRequest, reply: FastifyReply) {
  const asked = parseParameters(oneParameters, request.params).id;
  const { dryRun } = parseParameters(applyParameters, request.query);
  const file = fileOf(request);
  if (baselines.idOfKey(file.key) !== asked)
    throw new HttpProblem(400, 'Another baseline', `the file is of the baseline ${baselines.idOfKey(file.key)}`);
  const before = baselines.book.heads.has(asked)
    ? baselines.factsOf(asked).content()
    : { executables: [], destinations: [], listens: [], capabilities: [] };
  const difference = differenceOf(before, file.content);
  if (dryRun === 'true') return { id: asked, created: !baselines.book.heads.has(asked), ...difference };
  const applied = baselines.apply({ ...file, baseVersion: baseVersionOf(request, file) });
  if ('problem' in applied) throw editProblem(applied);
  reply.header('etag', `"${applied.version}"`);
  return { ...applied, ...difference };
}

function fileOf(request: FastifyRequest): BaselineFile {
  const parsed = parseBaselineFile(typeof request.body === 'string' ? request.body : '', 'body');
  if (!('problems' in parsed)) return parsed;
  throw new HttpProblem(422, 'Invalid baseline', parsed.problems.map(problemText).join('; ').slice(0, 8_192), {
    errors: parsed.problems.slice(0, 100),
  });
}

/** If-Match says it exactly ("*": whatever is there); without, the version that the file was exported with. */
function baseVersionOf(request: FastifyRequest, file: BaselineFile): string | undefined {
  const match = request.headers['if-match'];
  if (match === '*') return undefined;
  if (match !== undefined) return match.replaceAll('"', '');
  return file.version === '' ? undefined : file.version;
}

function headOf(baselines: Baselines, request: FastifyRequest): BaselineHead {
  const asked = parseParameters(oneParameters, request.params).id;
  const head = baselines.book.heads.get(asked);
  if (head === undefined) throw new HttpProblem(404, 'No such baseline', `no baseline has the id ${asked}`);
  return head;
}

function editProblem(problem: EditProblem): HttpProblem {
  switch (problem.problem) {
    case 'not-found':
      return new HttpProblem(404, 'No such baseline', 'it is not there any more');
    case 'frozen':
      return new HttpProblem(409, 'Frozen', 'the baseline is frozen; unfreeze it first');
    case 'full':
      return new HttpProblem(507, 'No room', problem.detail);
    case 'changed':
      return new HttpProblem(412, 'Changed', `the baseline is at version ${problem.version} by now; export it again`, {
        version: problem.version,
      });
  }
}

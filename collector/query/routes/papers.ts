import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { CodedError, errorText } from '../../../common/errors.ts';
import { type Upload, uploadLimits } from '../../records/intake/upload.ts';
import type { Uploads } from '../../records/intake/uploads.ts';
import { HttpProblem, parseParameters } from '../problem.ts';

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hexadecimal digits');
const name = z
  .string()
  .min(1)
  .max(uploadLimits.maxNameLength)
  .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII');
const addParameters = z.strictObject({ image: digest.optional(), name: name.default('paper') });
const listParameters = z.strictObject({ image: digest.optional() });
const removeParameters = z.strictObject({ image: digest, digest });
const maxListed = 1_000;

const statuses: Readonly<Record<string, number>> = {
  PAPER_TOO_LARGE: 413,
  PAPER_UNSUPPORTED: 422,
  PAPER_NO_IMAGE: 422,
  PAPER_OTHER_IMAGE: 422,
  PAPERS_FULL: 507,
};

/** Papers that people bring: SBOMs, scan reports, VEX, attestations. */
export function paperRoutes(app: FastifyInstance, uploads: Uploads): void {
  app.get('/api/v1/papers', async (request) => {
    const { image } = parseParameters(listParameters, request.query);
    const found = uploads.list(image === undefined ? undefined : [image]);
    return { papers: found.slice(0, maxListed).map(shown), omitted: Math.max(0, found.length - maxListed) };
  });

  app.register(async (inner) => {
    // Whatever its media type says, the document itself is looked at.
    inner.removeAllContentTypeParsers();
    inner.addContentTypeParser(
      '*',
      { parseAs: 'buffer', bodyLimit: uploadLimits.maxDocumentBytes },
      (_request, body, done) => done(null, body),
    );
    inner.post('/api/v1/papers', { bodyLimit: uploadLimits.maxDocumentBytes }, async (request, reply) => {
      const { image, name } = parseParameters(addParameters, request.query);
      if (!Buffer.isBuffer(request.body)) throw new HttpProblem(400, 'No paper', 'send the document as the body');
      const papers = add(uploads, request.body, name, image);
      return reply.code(201).send({ papers: papers.map(shown) });
    });
  });

  app.delete('/api/v1/papers/:digest', async (request, reply) => {
    const parameters = { ...(request.params as object), ...(request.query as object) };
    const asked = parseParameters(removeParameters, parameters);
    if (!uploads.remove(asked.image, asked.digest, Date.now()))
      throw new HttpProblem(404, 'No such paper', `no paper ${asked.digest} was brought for ${asked.image}`);
    return reply.code(204).send();
  });
}

function add(uploads: Uploads, bytes: Buffer, name: string, imageDigest: string | undefined): Upload[] {
  try {
    return uploads.add({ bytes, name, origin: 'api', imageDigest }, Date.now());
  } catch (error) {
    const status = error instanceof CodedError ? statuses[error.code] : undefined;
    if (status === undefined) throw error;
    throw new HttpProblem(status, 'The paper is not taken', errorText(error));
  }
}

function shown({ receivedAtUnixMs, ...upload }: Upload) {
  return { ...upload, receivedAt: new Date(receivedAtUnixMs).toISOString() };
}

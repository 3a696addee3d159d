import { Worker } from 'node:worker_threads';
import { SbomError, type SbomErrorCode } from './errors.ts';
import type { EncodedSbom } from './model.ts';
import { parseAndEncode } from './parse.ts';

type Answer = { sbom: EncodedSbom } | { code: SbomErrorCode; message: string };

/** Reading a megabyte takes some tens of milliseconds, as starting a thread does. */
const ownThreadFromBytes = 1024 * 1024;
const maxParseMs = 60_000;
const maxHeapMegabytes = 1024;

/** Reads a document; a large one in a thread of its own, bounded in memory and time. Rejects with SbomError only. */
export async function parseSbomAnywhere(
  bytes: Uint8Array,
  fromBytes: number = ownThreadFromBytes,
): Promise<EncodedSbom> {
  if (bytes.length < fromBytes) return parseAndEncode(bytes);
  const answer = await parseInThread(bytes);
  if ('sbom' in answer) return withBuffers(answer.sbom);
  throw new SbomError(answer.code, answer.message);
}

function parseInThread(bytes: Uint8Array): Promise<Answer> {
  const worker = new Worker(new URL('./parse-worker.ts', import.meta.url), {
    workerData: bytes,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
  });
  return new Promise<Answer>((resolve, reject) => {
    const fail = (why: string): void => reject(new SbomError('SBOM_TOO_LARGE', `the SBOM could not be read: ${why}`));
    const timer = setTimeout(() => fail(`reading took longer than ${maxParseMs / 1000} s`), maxParseMs);
    worker.once('message', resolve);
    worker.once('error', (error: Error) => fail(error.message));
    worker.once('exit', () => fail('its thread ended without an answer'));
    worker.once('exit', () => clearTimeout(timer));
  }).finally(() => worker.terminate());
}

/** What crossed threads as plain bytes. */
function withBuffers(sbom: EncodedSbom): EncodedSbom {
  const chunks = sbom.contents.chunks.map((chunk) => {
    const { buffer, byteOffset, byteLength } = chunk.bytes;
    return { ...chunk, bytes: Buffer.from(buffer, byteOffset, byteLength) };
  });
  return { ...sbom, contents: { ...sbom.contents, chunks } };
}

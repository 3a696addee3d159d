import { Worker } from 'node:worker_threads';
import { SbomError, type SbomErrorCode } from './errors.ts';
import type { ParsedSbom } from './model.ts';
import { parseSbom } from './parse.ts';

type Answer = { sbom: ParsedSbom } | { code: SbomErrorCode; message: string };

const ownThreadFromBytes = 5 * 1024 * 1024;
const maxParseMs = 60_000;
const maxHeapMegabytes = 1024;

/** Reads a document; a large one in a thread of its own, bounded in memory and time. Rejects with SbomError only. */
export async function parseSbomAnywhere(
  bytes: Uint8Array,
  fromBytes: number = ownThreadFromBytes,
): Promise<ParsedSbom> {
  if (bytes.length < fromBytes) return parseSbom(bytes);
  const answer = await parseInThread(bytes);
  if ('sbom' in answer) return answer.sbom;
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

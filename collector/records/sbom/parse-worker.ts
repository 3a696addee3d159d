import { parentPort, workerData } from 'node:worker_threads';
import { SbomError } from './errors.ts';
import { parseAndEncode } from './parse.ts';

/** Thread that reads one document and ends. */
try {
  parentPort?.postMessage({ sbom: parseAndEncode(workerData as Uint8Array) });
} catch (error) {
  if (!(error instanceof SbomError)) throw error;
  parentPort?.postMessage({ code: error.code, message: error.message });
}

import { z } from 'zod';
import { isCycloneDx, readCycloneDx } from './cyclonedx.ts';
import { SbomError } from './errors.ts';
import { assertDepth } from './limits.ts';
import { limits, type ParsedSbom } from './model.ts';
import { isSpdx2, isSpdx3, readSpdx } from './spdx.ts';
import { isSyft, readSyft } from './syft.ts';

/**
 * Reads an SBOM document: SPDX 2.2/2.3, CycloneDX 1.4–1.7 or syft, all as JSON, told apart by what is in them and not by
 * the media type they came with. Throws SbomError; a document cut off or broken anywhere is refused as a whole.
 */
export function parseSbom(bytes: Uint8Array): ParsedSbom {
  if (bytes.length > limits.maxDocumentBytes)
    throw new SbomError('SBOM_TOO_LARGE', `the SBOM is larger than ${limits.maxDocumentBytes} bytes`);
  assertDepth(bytes);
  const json = parseObject(bytes);
  try {
    if (isSpdx2(json)) return readSpdx(json);
    if (isCycloneDx(json)) return readCycloneDx(json);
    if (isSyft(json)) return readSyft(json);
  } catch (error) {
    throw error instanceof z.ZodError ? malformed(error) : error;
  }
  if (isSpdx3(json)) throw new SbomError('SBOM_UNSUPPORTED', 'SPDX 3 is not supported (SPDX 2.3 is)');
  throw new SbomError('SBOM_UNSUPPORTED', 'the document is neither SPDX 2, CycloneDX nor syft JSON');
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new SbomError('SBOM_MALFORMED', 'the SBOM is no complete JSON document', { cause: shorten(error) });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new SbomError('SBOM_MALFORMED', 'the SBOM is JSON, but not an object');
  return json as Readonly<Record<string, unknown>>;
}

/** V8's message quotes the document, which is not ours to repeat at length. */
function shorten(error: unknown): Error {
  return new Error((error instanceof Error ? error.message : String(error)).slice(0, 120));
}

function malformed(error: z.ZodError): SbomError {
  const issue = error.issues[0];
  return new SbomError(
    'SBOM_MALFORMED',
    `the SBOM is malformed at ${issue?.path.join('.') ?? 'its top'}: ${issue?.message}`,
  );
}

import { z } from 'zod';
import { encodeContentsNow } from '../contents/encode.ts';
import { isCycloneDx, readCycloneDx } from './cyclonedx.ts';
import { SbomError } from './errors.ts';
import { assertShape } from './json-shape.ts';
import { type EncodedSbom, limits, type ParsedSbom } from './model.ts';
import { isSpdx2, readSpdx } from './spdx.ts';
import { isSpdx3, readSpdx3 } from './spdx3.ts';
import { isSyft, readSyft } from './syft.ts';

/**
 * Reads an SBOM document: SPDX 2.2/2.3 or 3.0, CycloneDX 1.4–1.7 or syft, all as JSON, told apart by what is in them and
 * not by the media type they came with. Throws SbomError; a document cut off or broken anywhere is refused as a whole.
 */
export function parseSbom(document: Uint8Array): ParsedSbom {
  const bytes = Buffer.from(document.buffer, document.byteOffset, document.byteLength);
  if (bytes.length > limits.maxDocumentBytes)
    throw new SbomError('SBOM_TOO_LARGE', `the SBOM is larger than ${limits.maxDocumentBytes} bytes`);
  assertJsonFormat(bytes);
  assertShape(bytes);
  const json = parseObject(bytes);
  try {
    if (isSpdx2(json)) return readSpdx(json);
    if (isCycloneDx(json)) return readCycloneDx(json);
    if (isSyft(json)) return readSyft(json);
    if (isSpdx3(json)) return readSpdx3(json);
  } catch (error) {
    throw error instanceof z.ZodError ? malformed(error) : error;
  }
  throw new SbomError('SBOM_UNSUPPORTED', 'the document is neither SPDX, CycloneDX nor syft JSON');
}

/** As `parseSbom`, with the contents ready to be kept. */
export function parseAndEncode(document: Uint8Array): EncodedSbom {
  const parsed = parseSbom(document);
  return { ...parsed, contents: encodeContentsNow(parsed.contents) };
}

/** SPDX and CycloneDX have other forms too; predicates of attestations may hold them as text. */
function assertJsonFormat(bytes: Buffer): void {
  const start = bytes
    .toString('utf8', 0, 4_096)
    .replace(/^\uFEFF/, '')
    .trimStart();
  if (/^(#.*\n\s*)*SPDXVersion:/.test(start))
    throw new SbomError('SBOM_UNSUPPORTED', 'format not supported: SPDX tag-value (SPDX as JSON is read)');
  if (start.startsWith('<'))
    throw new SbomError('SBOM_UNSUPPORTED', 'format not supported: XML (CycloneDX and SPDX as JSON are read)');
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
    `the SBOM is malformed at ${issue?.path.join('.') ?? 'its top'}: ${issue?.message}`.slice(0, 1_000),
  );
}

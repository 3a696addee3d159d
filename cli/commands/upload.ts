import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command } from 'commander';
import { errorText } from '../../common/errors.ts';
import { type ApiOptions, getJson, sendJson } from '../api/api-client.ts';
import { CommandError } from '../command-error.ts';
import { exitCodeHelp } from '../exit-codes.ts';
import { apiOption, apiTokenOption, jsonOption } from '../options.ts';
import { print, printJson } from '../output.ts';
import { listAt, textAt } from '../terminal/json-path.ts';

interface UploadOptions extends ApiOptions {
  image?: string;
  json?: boolean;
}

export function uploadCommand(): Command {
  return new Command('upload')
    .summary('give the collector a paper of an image')
    .description(
      'Sends an SBOM, a scan report, VEX or an attestation to the collector, for images whose registry has none.',
    )
    .argument('<file>', 'JSON: SPDX, CycloneDX, syft, Grype, Trivy, SARIF, OpenVEX, sigstore bundle, DSSE, in-toto')
    .option('--image <image>', 'reference or digest of the image; else the one that the document names')
    .addOption(jsonOption())
    .addOption(apiOption())
    .addOption(apiTokenOption())
    .addHelpText('after', help)
    .action(upload);
}

const help = `
Examples:
  tallyman upload sbom.spdx.json --image registry.example.org/app:4.2.1
  tallyman upload grype.json      (the report names its image)
${exitCodeHelp}`;

async function upload(file: string, options: UploadOptions): Promise<void> {
  const body = await read(file);
  const image = options.image === undefined ? undefined : await digestOf(options.image, options);
  const query = { name: basename(file), ...(image === undefined ? {} : { image }) };
  const contentType = 'application/octet-stream';
  const answer = await sendJson(options, { method: 'POST', path: '/api/v1/papers', query, body, contentType });
  if (options.json) return printJson(answer);
  for (const paper of listAt(answer, 'papers'))
    print(`${textAt(paper, 'kind')} for ${textAt(paper, 'imageDigest')}: kept as ${textAt(paper, 'documentDigest')}`);
}

async function read(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    throw new CommandError('usage', `cannot read ${file}: ${errorText(error)}`);
  }
}

/** The digest that the collector knows the image by. */
async function digestOf(image: string, options: ApiOptions): Promise<string> {
  if (/^sha256:[0-9a-f]{64}$/.test(image)) return image;
  const answer = await getJson(options, `/api/v1/images/${encodeURIComponent(image)}`);
  const digests = ['manifestDigest', 'configDigest', 'indexDigest'].map((key) => textAt(answer, 'identity', key));
  const digest = digests.find((text) => text !== undefined) ?? textAt(answer, 'configDigest');
  if (digest !== undefined && digest !== '') return digest;
  throw new CommandError('not-found', `the digest of ${image} is not known`, { hint: 'give --image sha256:…' });
}

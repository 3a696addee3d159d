import { Command, Option } from 'commander';
import type { VulnerabilitySeverity } from '../../collector/records/vulnerability/model.ts';
import type { ApiOptions } from '../api/api-client.ts';
import { getJson } from '../api/api-client.ts';
import { CommandError } from '../command-error.ts';
import { exitCodeHelp } from '../exit-codes.ts';
import { printSbom, type SbomFormat, sbomOption } from '../image-sbom.ts';
import { apiOption, apiTokenOption, jsonOption, utcOption } from '../options.ts';
import { print, printJson, printZone, standardScreen } from '../output.ts';
import { imageFilePage } from '../terminal/image-file-page.ts';
import { imagePage } from '../terminal/image-page.ts';
import { truthLine, truthPage } from '../terminal/truth-page.ts';
import { vulnerabilityTable } from '../terminal/vulnerability-table.ts';

/** In the order of urgency. The agent's image has no collector, so they are said here again. */
const vulnerabilitySeverities: readonly VulnerabilitySeverity[] = [
  'critical',
  'high',
  'medium',
  'low',
  'negligible',
  'unknown',
];

interface ImageOptions extends ApiOptions {
  file?: string;
  json?: boolean;
  sbom?: SbomFormat;
  utc?: boolean;
  truth?: boolean;
  vulnerabilities?: boolean;
  severity?: string;
}

export function imageCommand(): Command {
  return new Command('image')
    .summary('the papers of an image')
    .description('Shows who signed an image, where it was built, what its SBOM says, and where it runs.')
    .argument('<image>', 'reference, or a digest of an image that a known container uses')
    .addOption(
      new Option('--file <path>', 'only which package this file of the image belongs to, and how that is known'),
    )
    .addOption(new Option('--truth', 'compare what its SBOM declares, what it contains, and what was executed'))
    .addOption(
      new Option('--vulnerabilities', 'list its vulnerabilities: executed ones first, with what to upgrade to'),
    )
    .addOption(
      new Option('--severity <word>', 'with --vulnerabilities: only those of this severity').choices(
        vulnerabilitySeverities,
      ),
    )
    .addOption(jsonOption())
    .addOption(apiOption())
    .addOption(apiTokenOption())
    .addOption(utcOption())
    .addOption(sbomOption())
    .addHelpText('after', help)
    .action((image: string, options: ImageOptions) =>
      options.sbom === undefined ? showImage(image, options) : printSbom(image, options.sbom, options),
    );
}

const help = `
Examples:
  tallyman image registry.example.org/app:4.2.1
  tallyman image registry.example.org/app:4.2.1 --sbom spdx > app.spdx.json
  tallyman image registry.example.org/app:4.2.1 --vulnerabilities --severity critical
  tallyman image sha256:9f3a…   (of a container that is known)
  tallyman image registry.example.org/app:4.2.1 --truth
  tallyman image sha256:9f3a… --file /usr/bin/dash

Signs: ✔ verified   ✘ invalid: the proof is broken   ▲ untrusted: the signer is not one of ours
       – absent: none found   ? unknown: could not look
${exitCodeHelp}`;

async function showImage(image: string, options: ImageOptions): Promise<void> {
  if (options.truth) return showTruth(image, options);
  const { file } = options;
  const route = `/api/v1/images/${encodeURIComponent(image)}`;
  const answer = await (file === undefined
    ? getJson(options, pathOf(image, options))
    : getJson(options, `${route}/file`, { path: file }));
  if (answer === undefined)
    throw new CommandError('not-found', `no known container uses the image ${image}`, {
      hint: 'give the full reference: a digest alone does not say where to look',
    });
  if (options.json) return printJson(answer);
  const screen = standardScreen(options);
  printZone(screen);
  if (file !== undefined) return print(...imageFilePage(answer, screen));
  if (options.vulnerabilities) return print(...vulnerabilityTable(answer, screen));
  const truth = await getJson(options, `/api/v1/images/${encodeURIComponent(image)}/truth`);
  print(...imagePage(answer, screen), ...truthLine(truth, screen));
}

async function showTruth(image: string, options: ImageOptions): Promise<void> {
  const answer = await getJson(options, `/api/v1/images/${encodeURIComponent(image)}/truth`);
  if (answer === undefined)
    throw new CommandError('not-found', `no known container uses the image ${image}`, {
      hint: 'what an image contains is read where it runs',
    });
  if (options.json) return printJson(answer);
  print(...truthPage(answer, standardScreen(options)));
}

function pathOf(image: string, { vulnerabilities, severity }: ImageOptions): string {
  const path = `/api/v1/images/${encodeURIComponent(image)}`;
  if (!vulnerabilities) return path;
  return `${path}/vulnerabilities${severity === undefined ? '' : `?severity=${severity}`}`;
}

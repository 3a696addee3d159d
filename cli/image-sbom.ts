import { Option } from 'commander';
import { type ApiOptions, getText } from './api/api-client.ts';
import { print } from './output.ts';

/** As GET /api/v1/images/:ref/sbom takes it. */
export type SbomFormat = 'cyclonedx' | 'spdx' | 'declared';

export function sbomOption(): Option {
  return new Option(
    '--sbom <format>',
    'only its SBOM, of what the image contains where that is known; declared: the document that came with it',
  ).choices(['cyclonedx', 'spdx', 'declared']);
}

/** Writes the SBOM of an image to standard output. */
export async function printSbom(image: string, format: SbomFormat, options: ApiOptions): Promise<void> {
  print((await getText(options, `/api/v1/images/${encodeURIComponent(image)}/sbom`, { format })).trimEnd());
}

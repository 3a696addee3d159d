import { Command, Option } from 'commander';
import type { ApiOptions } from '../api/api-client.ts';
import { getJson } from '../api/api-client.ts';
import { exitCodeHelp } from '../exit-codes.ts';
import { apiOption, apiTokenOption, jsonOption } from '../options.ts';
import { print, printJson, printNote, standardScreen } from '../output.ts';
import type { ContainerRow } from '../terminal/container-table.ts';
import { containerRows, containerTable, isSandbox } from '../terminal/container-table.ts';
import { listAt } from '../terminal/json-path.ts';

interface ContainersOptions extends ApiOptions {
  json?: boolean;
  all?: boolean;
  namespace?: string;
  sort: keyof ContainerRow;
}

export function containersCommand(): Command {
  return new Command('containers')
    .summary('the containers that are watched')
    .description('Lists the containers the agents reported, with the signature of their images.')
    .option('-a, --all', 'containers that ended and the sandboxes of pods as well')
    .option('--namespace <name>', 'only this Kubernetes namespace; "docker" for Docker')
    .addOption(new Option('--sort <column>', 'order').choices(['name', 'namespace', 'node', 'image']).default('name'))
    .addOption(jsonOption())
    .addOption(apiOption())
    .addOption(apiTokenOption())
    .addHelpText(
      'after',
      `\nExamples:\n  tallyman containers\n  tallyman containers --all --json | jq -r .name\n${exitCodeHelp}`,
    )
    .action(showContainers);
}

async function showContainers(options: ContainersOptions): Promise<void> {
  const query: Record<string, string> = {};
  if (!options.all) query.state = 'running';
  if (options.namespace !== undefined) query.namespace = options.namespace;
  const listed = listAt(await getJson(options, '/api/v1/containers', query), 'containers');
  const containers = options.all ? listed : listed.filter((container) => !isSandbox(container));
  if (options.json) {
    for (const container of containers) printJson(container);
    return;
  }
  const images = listAt(await getJson(options, '/api/v1/images'), 'images');
  const rows = containerRows(containers, images).sort((one, other) =>
    one[options.sort].localeCompare(other[options.sort]),
  );
  if (rows.length === 0) printNote(options.all ? 'No containers.' : 'No running containers.');
  else print(...containerTable(rows, standardScreen()));
}

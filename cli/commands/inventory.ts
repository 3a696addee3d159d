import { statSync } from 'node:fs';
import { Command, Option } from 'commander';
import { runInventory } from '../../agent/inventory/inventory.ts';
import type { Inventory } from '../../common/inventory.ts';
import { toCycloneDx } from '../../common/sbom-export/cyclonedx.ts';
import { toSpdx } from '../../common/sbom-export/spdx.ts';
import { version } from '../../common/version.ts';
import { CommandError } from '../command-error.ts';
import { exitCodeHelp, exitCodes } from '../exit-codes.ts';
import { untilInterrupted } from '../interrupt.ts';
import { inventoryDocument } from '../inventory/inventory-document.ts';
import { problemNotes, summaryOf } from '../inventory/inventory-notes.ts';
import { inventoryTable } from '../inventory/inventory-table.ts';
import { jsonOption, parseSpanMs } from '../options.ts';
import { print, printJson, printNote, standardScreen } from '../output.ts';
import { escapeText } from '../terminal/escape-deep.ts';

interface InventoryOptions {
  root: string[];
  format?: 'cyclonedx' | 'spdx';
  json?: boolean;
  timeout: number;
}

export function inventoryCommand(): Command {
  return new Command('inventory')
    .summary('the packages in a folder, and whose its files are')
    .description(
      'Reads the package databases and files in a folder that is the root of a file system, or in the layers of an image, as agents do with images. Nothing in it is run, and no link is followed out of it.',
    )
    .addOption(
      new Option('--root <dir>', 'the folder; repeated: layers as overlayfs keeps them, the lowest first')
        .argParser((dir: string, before: string[] | undefined) => [...(before ?? []), dir])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--timeout <span>', 'how long it may take, like 90s or 10m')
        .default(600_000, '10m')
        .argParser(parseSpanMs),
    )
    .addOption(
      new Option('--format <format>', 'as an SBOM: CycloneDX 1.6 or SPDX 2.3, both JSON')
        .choices(['cyclonedx', 'spdx'])
        .conflicts('json'),
    )
    .addOption(jsonOption())
    .addHelpText('after', help)
    .action(showInventory);
}

const help = `
What could not be read is told on standard error, and the command fails (1) when packages may be missing for it. What is mounted
below the folder is not looked at.

Examples:
  tallyman inventory --root /var/lib/machines/web
  tallyman inventory --root ./rootfs --json | jq -r '.components[].purl'
  tallyman inventory --root ./rootfs --format cyclonedx > rootfs.cdx.json
${exitCodeHelp}`;

async function showInventory(options: InventoryOptions): Promise<void> {
  for (const directory of options.root) checkDirectory(directory);
  process.exitCode = exitCodes.interrupted;
  await untilInterrupted(async (signal) => {
    const inventory = await runInventory({
      layers: options.root.map((directory) => ({ directory, digest: '' })),
      maxDurationMs: options.timeout,
      ...{ cpuShare: 1, maxHeapMib: 2_048, lowPriority: false, signal },
    });
    show(inventory, options);
    const isWhole = inventory.problems.every(({ code }) => code === 'unsupported');
    process.exitCode = isWhole ? exitCodes.ok : exitCodes.failure;
  });
}

function show(inventory: Inventory, { root, format, json }: InventoryOptions): void {
  if (json === true) printJson(inventoryDocument(inventory));
  else if (format !== undefined) {
    const subject = {
      name: root.join(':'),
      digest: undefined,
      createdAt: new Date().toISOString(),
      toolVersion: version,
    };
    printJson((format === 'spdx' ? toSpdx : toCycloneDx)(inventory, subject));
  } else {
    print(...inventoryTable(inventory, standardScreen()));
    printNote('', summaryOf(inventory));
  }
  printNote(...problemNotes(inventory));
}

function checkDirectory(directory: string): void {
  const stats = statSync(directory, { throwIfNoEntry: false });
  if (stats === undefined) throw new CommandError('not-found', `${escapeText(directory)} does not exist`);
  if (!stats.isDirectory()) throw new CommandError('usage', `${escapeText(directory)} is no folder`);
}

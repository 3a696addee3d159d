import type { Inventory, InventoryPackage } from '../../common/inventory.ts';

/** The inventory as `--json` prints it: each package with its files, and the files that no package has. */
export function inventoryDocument(inventory: Inventory): object {
  const files = inventory.packages.map((): string[] => []);
  const unowned: string[] = [];
  for (const { path, owners, evidenceOf } of inventory.files) {
    for (const owner of new Set([...owners, ...evidenceOf])) files[owner]?.push(path);
    if (owners.length === 0 && evidenceOf.length === 0) unowned.push(path);
  }
  return {
    distribution: inventory.distribution ?? null,
    components: inventory.packages.map((each, at) => component(each, files[at] ?? [])),
    filesOfNoPackage: unowned,
    problems: inventory.problems,
  };
}

function component(each: InventoryPackage, files: readonly string[]): object {
  const { type, name, version, purl, architecture, licenses, layer, location, directories } = each;
  const source = each.sourceName === '' ? null : { name: each.sourceName, version: each.sourceVersion };
  return { type, name, version, purl, architecture, source, licenses, layer, location, directories, files };
}

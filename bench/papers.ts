import { benchInventory } from './papers/inventory.ts';

/** Papers of images: `make bench NAME=papers` runs all parts. */
const parts: Readonly<Record<string, () => Promise<void>>> = {
  inventory: benchInventory,
};

const chosen = process.argv.slice(2);
for (const name of chosen.length === 0 ? Object.keys(parts) : chosen) {
  const part = parts[name];
  if (part === undefined) throw new Error(`no part "${name}": ${Object.keys(parts).join(', ')}`);
  await part();
}

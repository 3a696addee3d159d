import { benchInventory } from './papers/inventory.ts';
import { benchOwnership } from './papers/ownership.ts';
import { benchStore } from './papers/store.ts';
import { benchVerify } from './papers/verify.ts';

/** Papers of images: `make bench NAME=papers`, or some of its parts: `ARGS="ownership store"`. */
const parts: Readonly<Record<string, () => Promise<void>>> = {
  verify: benchVerify,
  inventory: benchInventory,
  ownership: benchOwnership,
  store: () => benchStore(),
};

const chosen = process.argv.slice(2);
for (const name of chosen.length === 0 ? Object.keys(parts) : chosen) {
  const part = parts[name];
  if (part === undefined) throw new Error(`no part "${name}": ${Object.keys(parts).join(', ')}`);
  await part();
}

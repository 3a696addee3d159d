import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cgroupRoot } from './docker-directory.ts';

/** Removes a cgroup with all below it, from the hierarchies of version 1, too. One that still has processes stays. */
export function removeCgroups(name: string): void {
  const mounts = cgroupRoot.endsWith('/unified') ? dirname(cgroupRoot) : undefined;
  const roots = mounts === undefined ? [cgroupRoot] : readdirSync(mounts).map((hierarchy) => join(mounts, hierarchy));
  for (const root of roots) removeBelow(join(root, name));
}

function removeBelow(directory: string): void {
  if (!existsSync(directory)) return;
  try {
    for (const entry of readdirSync(directory, { withFileTypes: true }))
      if (entry.isDirectory()) removeBelow(join(directory, entry.name));
    rmdirSync(directory);
  } catch {
    // Gone with its container, or still in use.
  }
}

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInventory } from '../../agent/inventory/inventory.ts';
import { printTable } from '../lib/table.ts';

/**
 * The inventory of an image with 116 000 paths, as an agent makes it and as fast as it can: seconds, memory of the process that
 * makes it, and what it takes from a program that keeps every CPU of the machine busy meanwhile.
 */
const packageCount = 930;
const filesPerPackage = 112;
const directoriesPerPackage = 13;
const soloMs = 4_000;
/** Where every CPU is busy an inventory only gets what is left over, and takes as long as it has; so much of that is looked at. */
const loadedMs = 20_000;

interface Measured {
  name: string;
  seconds: number;
  peakMib: number;
  files: number;
  /** Of the work that the busy program does alone. */
  siblingShare: number;
}

export async function benchInventory(): Promise<void> {
  const image = makeImage();
  try {
    const warm = await measure('as fast as it can', image, 1);
    const agent = await measure('as an agent does', image, undefined);
    const loaded = await measure(
      `as an agent does, all CPUs busy, stopped after ${loadedMs / 1_000} s`,
      image,
      undefined,
      true,
    );
    printTable(
      ['inventory of 116 000 paths', 'seconds', 'peak RSS of its process', 'files', 'work of a busy sibling'],
      [warm, agent, loaded].map((each) => [
        ...[each.name, each.seconds.toFixed(1), each.peakMib === 0 ? '–' : `${each.peakMib} MiB`, String(each.files)],
        Number.isNaN(each.siblingShare) ? '–' : `${Math.round(each.siblingShare * 100)} %`,
      ]),
    );
    const ratios = {
      // Below 1: well within what may be.
      memoryToLimit: Number((Math.max(warm.peakMib, agent.peakMib) / 256).toFixed(2)),
      // About 1: a busy sibling is not disturbed.
      siblingWork: Number(loaded.siblingShare.toFixed(2)),
    };
    console.log(JSON.stringify({ bench: 'papers-inventory', ratios, measured: [warm, agent, loaded] }));
  } finally {
    rmSync(image, { recursive: true, force: true });
  }
}

async function measure(name: string, image: string, cpuShare: number | undefined, loaded = false): Promise<Measured> {
  const soloRate = loaded ? await busyRate(() => new Promise((resolve) => setTimeout(resolve, soloMs))) : Number.NaN;
  let [seconds, peakMib, files] = [0, 0, 0];
  const work = async (): Promise<undefined> => {
    const startedMs = performance.now();
    // Looking costs CPU time, which is what is measured beside a busy program.
    const watch = setInterval(() => {
      peakMib = Math.max(peakMib, loaded ? 0 : peakOfChildren());
    }, 20);
    const onFiles = (group: readonly unknown[]): void => {
      files += group.length;
    };
    const signal = loaded ? { signal: AbortSignal.timeout(loadedMs) } : {};
    const layers = [{ directory: image, digest: '' }];
    const { problems } = await runInventory({ layers, cpuShare, onFiles, ...signal }).catch((error: unknown) => {
      if (loaded) return { problems: [] };
      throw error;
    });
    clearInterval(watch);
    if (problems.length > 0 && !loaded) throw new Error(JSON.stringify(problems));
    seconds = (performance.now() - startedMs) / 1_000;
    return undefined;
  };
  const busy = loaded ? await busyRate(work) : await work();
  return { name, seconds, peakMib, files, siblingShare: (busy ?? Number.NaN) / soloRate };
}

/** Loops a second of one shell per CPU while the work goes on. */
async function busyRate(work: () => Promise<unknown>): Promise<number> {
  const cpus = Number(execFileSync('nproc', { encoding: 'utf8' }));
  const loops = Array.from({ length: cpus }, () => {
    const program =
      'let n=0; const tell=()=>{process.stdout.write(n+"\\n");process.exit()};process.on("SIGTERM",tell);';
    const step = 'const go=()=>{for(let i=0;i<1e5;i++)n++;setImmediate(go)};go();';
    const child = spawn(process.execPath, ['-e', program + step], { stdio: ['ignore', 'pipe', 'inherit'] });
    const count = new Promise<number>((resolve) => child.stdout.once('data', (data) => resolve(Number(data))));
    return { child, count };
  });
  // All of them have started.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const startedMs = performance.now();
  await work();
  const elapsedMs = performance.now() - startedMs;
  for (const { child } of loops) child.kill('SIGTERM');
  const counts = await Promise.all(loops.map(({ count }) => count));
  return counts.reduce((sum, count) => sum + count, 0) / (elapsedMs + 500);
}

/** MiB of the largest child of this process that runs worker.ts. */
function peakOfChildren(): number {
  let peak = 0;
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ');
  for (const child of children.filter((pid) => pid.trim() !== '')) {
    try {
      if (!readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('inventory/worker.ts')) continue;
      const [, kib = '0'] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child}/status`, 'utf8')) ?? [];
      peak = Math.max(peak, Math.round(Number(kib) / 1_024));
    } catch {
      // It has ended.
    }
  }
  return peak;
}

/** As measured of a real machine: 930 packages, 116 000 paths, merged /usr, digests of all files. */
function makeImage(): string {
  const root = mkdtempSync(join(tmpdir(), 'tallyman-bench-inventory-'));
  for (const directory of ['etc', 'usr/bin', 'usr/lib', 'var/lib/dpkg/info'])
    mkdirSync(join(root, directory), { recursive: true });
  for (const link of ['bin', 'lib']) symlinkSync(`usr/${link}`, join(root, link));
  writeFileSync(join(root, 'etc/os-release'), 'ID=debian\nVERSION_ID="12"\n');
  const stanzas: string[] = [];
  for (let at = 0; at < packageCount; at++) stanzas.push(addPackage(root, `package-${at}`));
  writeFileSync(join(root, 'var/lib/dpkg/status'), stanzas.join('\n'));
  return root;
}

function addPackage(root: string, name: string): string {
  const list = ['/.', '/usr', '/usr/share', `/usr/share/${name}`];
  const sums: string[] = [];
  for (let directory = 0; directory < directoriesPerPackage - 1; directory++) {
    const path = `usr/share/${name}/part-of-the-package-${directory}`;
    mkdirSync(join(root, path), { recursive: true });
    list.push(`/${path}`);
    for (let at = directory; at < filesPerPackage; at += directoriesPerPackage - 1) {
      const file = `${path}/a-file-with-a-name-${at}.txt`;
      writeFileSync(join(root, file), '');
      list.push(`/${file}`);
      sums.push(`d41d8cd98f00b204e9800998ecf8427e  ${file}`);
    }
  }
  const info = join(root, 'var/lib/dpkg/info', name);
  writeFileSync(`${info}.list`, `${list.join('\n')}\n`);
  writeFileSync(`${info}.md5sums`, `${sums.join('\n')}\n`);
  return `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\nDescription: text\n`;
}

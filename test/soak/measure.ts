import { readdirSync, readFileSync } from 'node:fs';

/** Resident memory of a process, bytes. */
export function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes ?? Number.NaN) * 1024;
}

/** Metric name → label text → value. */
export type Samples = Map<string, Map<string, number>>;

export async function readMetrics(api: string): Promise<Samples> {
  const text = await (await fetch(`${api}/metrics`)).text();
  const samples: Samples = new Map();
  for (const line of text.split('\n')) {
    const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match === null) continue;
    const [, name = '', labels = '', value] = match;
    const all = samples.get(name) ?? new Map<string, number>();
    all.set(labels, Number(value));
    samples.set(name, all);
  }
  return samples;
}

export function sum(samples: Samples, name: string): number {
  return [...(samples.get(name)?.values() ?? [])].reduce((total, value) => total + value, 0);
}

/** Record types of which more or less was received than sent, in words. */
export function imbalance(samples: Samples): string[] {
  const sent = samples.get('tallyman_agent_records_sent_total') ?? new Map<string, number>();
  const received = samples.get('tallyman_agent_records_received_total') ?? new Map<string, number>();
  return [...new Set([...sent.keys(), ...received.keys()])]
    .filter((type) => (sent.get(type) ?? 0) !== (received.get(type) ?? 0))
    .map((type) => `${type}: sent ${sent.get(type) ?? 0}, received ${received.get(type) ?? 0}`);
}

/** How much the last quarter's median is above that of the second, which is past the warm-up: 0.1 is a tenth more. */
export function growth(values: readonly number[]): number {
  const quarter = Math.floor(values.length / 4);
  if (quarter === 0) return 0;
  return median(values.slice(-quarter)) / median(values.slice(quarter, 2 * quarter)) - 1;
}

export function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Processes whose command line names this text. */
export function processesNaming(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return pid !== process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
      } catch {
        return false;
      }
    });
}

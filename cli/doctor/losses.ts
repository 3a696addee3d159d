import type { Check } from './check.ts';

const timeoutMs = 2_000;
const maxBytes = 4 * 1024 * 1024;
/** Where a running agent publishes its metrics: the default of `tallyman up` and of `tallyman agent --http`. */
export const defaultMetricsUrl = 'http://127.0.0.1:8600/metrics';

/** What a running agent has lost so far; nothing where none answers. */
export async function checkLosses(metricsUrl: string = defaultMetricsUrl): Promise<Check[]> {
  const text = await readMetrics(metricsUrl);
  if (text === undefined || !text.includes('tallyman_agent_records_received_total')) return [];
  const looked = `the metrics of the running agent (${metricsUrl})`;
  const losses = lossesIn(text);
  const unaccounted = samples(text, 'tallyman_agent_records_unaccounted_total').reduce(
    (sum, { value }) => sum + value,
    0,
  );
  const name = 'losses';
  if (losses.length === 0 && unaccounted === 0)
    return [{ name, state: 'good', looked, found: 'nothing was lost: all records sent were received' }];
  const parts = losses.map(({ what, value }) => `${value} ${what}`);
  if (unaccounted > 0) parts.push(`${unaccounted} records unaccounted for`);
  return [
    {
      name,
      state: 'weaker',
      looked,
      found: parts.join(', '),
      follows: 'findings around these losses say that their data is incomplete; GET /api/v1/gaps tells when and whose',
      todo: 'a container that is throttled and should not be wants a larger --budget',
    },
  ];
}

async function readMetrics(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) return undefined;
    const text = await response.text();
    return text.length > maxBytes ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Kernel records by type and reason; of the other stages what they lost, by place and type. */
function lossesIn(text: string): { what: string; value: number }[] {
  const kernel = samples(text, 'tallyman_agent_records_lost_total').map(({ labels, value }) => ({
    what: `${labels.get('type')} records (${labels.get('reason')})`,
    value,
  }));
  const others = samples(text, 'tallyman_agent_losses_total')
    .filter(({ labels }) => labels.get('hop') !== 'budget' && labels.get('hop') !== 'ring-buffer')
    .map(({ labels, value }) => ({ what: `${labels.get('type')} at ${labels.get('hop')}`, value }));
  const uplink = samples(text, 'tallyman_agent_uplink_items_dropped_total').map(({ labels, value }) => ({
    what: `${labels.get('type')} items not sent (${labels.get('reason')})`,
    value,
  }));
  return [...kernel, ...others, ...uplink].filter(({ value }) => value > 0);
}

interface Sample {
  labels: Map<string, string>;
  value: number;
}

/** The samples of one metric. @see https://prometheus.io/docs/instrumenting/exposition_formats/ */
function samples(text: string, name: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const match = new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`).exec(line);
    if (match === null) return [];
    const labels = [...(match[1] ?? '').matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)];
    return [{ labels: new Map(labels.map(([, key = '', value = '']) => [key, value])), value: Number(match[2]) }];
  });
}

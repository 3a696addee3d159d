import { escapeDeep } from './escape-deep.ts';
import { booleanAt, numberAt, textAt } from './json-path.ts';
import type { Screen, Tone } from './style.ts';
import { renderTable } from './table.ts';
import { duration } from './time.ts';

const tones: Record<string, Tone> = { ready: 'good', learning: 'accent', incomplete: 'warn', stale: 'dim' };

export function stateTone(state: string): Tone {
  return tones[state] ?? 'warn';
}

/** What GET /api/v1/baselines answers, one baseline a line. */
export function baselineTable(baselines: readonly unknown[], screen: Screen): string[] {
  const rows = baselines.map((one) => rowOf(escapeDeep(one)));
  rows.sort((one, other) => (one.repository + one.workload < other.repository + other.workload ? -1 : 1));
  return renderTable(
    [
      { title: 'ID', text: (row: Row) => row.id },
      { title: 'WORKLOAD', text: (row: Row) => row.workload, flexible: true },
      { title: 'REPOSITORY', text: (row: Row) => row.repository, flexible: true },
      { title: 'DIGEST', text: (row: Row) => row.digest },
      {
        title: 'STATE',
        text: (row: Row) => row.shownState,
        paint: (shown: string, row: Row) => screen.paint(stateTone(row.state), shown),
      },
      { title: 'CONTAINERS', text: (row: Row) => row.containers },
      { title: 'WATCHED', text: (row: Row) => row.watched },
      { title: 'REASON', text: (row: Row) => row.reason, flexible: true },
    ],
    rows,
    screen,
  );
}

type Row = ReturnType<typeof rowOf>;

function rowOf(one: unknown) {
  const state = textAt(one, 'state') ?? 'unknown';
  return {
    id: textAt(one, 'id') ?? '?',
    workload: textAt(one, 'workload') ?? '–',
    repository: textAt(one, 'repository') ?? '–',
    digest: (textAt(one, 'digest') ?? '?').replace(/^sha256:/, '').slice(0, 12),
    state,
    shownState: booleanAt(one, 'frozen') ? 'frozen' : state,
    containers: String(numberAt(one, 'containers') ?? 0),
    watched: duration((numberAt(one, 'observedSeconds') ?? 0) * 1_000),
    reason: textAt(one, 'reason') ?? '',
  };
}

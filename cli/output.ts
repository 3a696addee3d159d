import type { Screen } from './terminal/style.ts';
import { screenOf } from './terminal/style.ts';
import { zoneNote } from './terminal/time.ts';

/** Standard output: what the user asked for, and nothing else. */
export function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Standard error: everything else that a person should read. Nothing for no lines. */
export function printNote(...lines: readonly string[]): void {
  if (lines.length === 0) return;
  process.stderr.write(`${lines.join('\n')}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}

export function standardScreen(options: { utc?: boolean } = {}): Screen {
  return screenOf(process.stdout, options);
}

/** Says once in which zone the times of this screen are. */
export function printZone(screen: Screen): void {
  print(screen.paint('dim', zoneNote(screen)), '');
}

import type { Screen } from './style.ts';

const pad = (value: number, digits = 2): string => String(value).padStart(digits, '0');

/** "03:14:03.218" in the screen's zone. */
export function timeOfDay(unixMs: number, screen: Screen): string {
  return zoned(unixMs, screen).toISOString().slice(11, 23);
}

/** "2026-11-23 03:14:03" in the screen's zone. */
export function dateTime(unixMs: number, screen: Screen): string {
  return zoned(unixMs, screen).toISOString().slice(0, 19).replace('T', ' ');
}

/** What the times of a screen are in, said once: "times are UTC", "times are Europe/Berlin (UTC+01:00)". */
export function zoneNote(screen: Screen, atUnixMs: number = Date.now()): string {
  if (screen.utc) return 'times are UTC';
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const offsetMinutes = -new Date(atUnixMs).getTimezoneOffset();
  if (offsetMinutes === 0 && (zone === 'UTC' || zone === 'Etc/UTC')) return 'times are UTC';
  const size = Math.abs(offsetMinutes);
  return `times are ${zone} (UTC${offsetMinutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)})`;
}

/** "340 ms", "12.3 s", "6 min", "4 h 10 min", "6 d 4 h". */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A Date whose UTC fields read as the screen's zone. Times out of range become the epoch rather than an error. */
function zoned(unixMs: number, screen: Screen): Date {
  const at = new Date(unixMs);
  if (Number.isNaN(at.getTime())) return new Date(0);
  return screen.utc ? at : new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
}
/** " (2 d 4 h old)"; nothing where either time is not known. */
export function ageText(time: string | undefined, nowUnixMs: number): string {
  const ageMs = nowUnixMs - Date.parse(time ?? '');
  return Number.isNaN(ageMs) || ageMs < 0
    ? ''
    : ` (${duration(ageMs)} old)`.replaceAll(' ', '\u00a0').replace('\u00a0(', ' (');
}

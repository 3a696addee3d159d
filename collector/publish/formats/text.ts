import { escapeHostile } from '../../../common/escape.ts';
import { programName } from '../../../common/program-name.ts';
import type { ProcessExecution } from '../../../proto/generated/tallyman/v1/process.ts';

/**
 * Text from a container made fit for a sentence: what would act on a terminal becomes visible. Backslashes stay as they
 * are, so text that has been through here before comes out unchanged.
 */
export function showText(text: string, maxCharacters = 2000): string {
  // Nothing gets shorter by being escaped: what lies beyond the bound need not be looked at.
  const shown = text
    .slice(0, maxCharacters + 1)
    .split('\\')
    .map(escapeHostile)
    .join('\\');
  return shown.length <= maxCharacters ? shown : `${shown.slice(0, maxCharacters - 1).toWellFormed()}…`;
}

/** A command line a person can read and paste: arguments that need it are in single quotes. */
export function commandLine(argv: readonly string[]): string {
  return argv.map(quoted).join(' ');
}

function quoted(argument: string): string {
  if (/^[\w@%+=:,./-]+$/.test(argument)) return argument;
  return `'${argument.replaceAll("'", `'\\''`)}'`;
}

const maxDateMs = 8.64e15;

/** Unix ms of Unix ns; undefined for 0 (not known) and for what no date can hold. */
export function millisecondsOf(unixNs: bigint): number | undefined {
  if (unixNs <= 0n) return undefined;
  const ms = Number(unixNs / 1_000_000n);
  return ms <= maxDateMs ? ms : undefined;
}

/** RFC 3339 in UTC with nanoseconds. */
export function rfc3339(unixNs: bigint): string {
  const ms = millisecondsOf(unixNs) ?? 0;
  const seconds = new Date(ms).toISOString().slice(0, -5);
  return `${seconds}.${(unixNs % 1_000_000_000n).toString().padStart(9, '0')}Z`;
}

/** A 64-bit number for JSON: a number while it is exact, text beyond. */
export function jsonNumber(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

/** A set of capabilities as /proc shows it: bit n is capability number n. */
export function capabilityMask(set: bigint): string {
  return `0x${set.toString(16).padStart(16, '0')}`;
}

/** What a person would call the program of an execution; empty when nothing is known of it. */
export function displayName(execution: ProcessExecution): string {
  return programName(execution.executable?.path ?? '', execution.argv).name || execution.comm;
}

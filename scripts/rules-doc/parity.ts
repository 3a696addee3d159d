import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { ruleIdSchema } from '../../agent/detect/rule-schema.ts';

const text = z.string().trim().min(1).max(400);

const entrySchema = z
  .strictObject({
    /** Where the peer's rules have ids beside their names. */
    id: text.optional(),
    name: text,
    rules: z.array(ruleIdSchema).min(1).optional(),
    leftOut: text.optional(),
    note: text.optional(),
  })
  .refine(({ rules, leftOut }) => (rules === undefined) !== (leftOut === undefined), 'needs either rules or leftOut');

const paritySchema = z.array(
  z.strictObject({ peer: text, list: text, version: text, entries: z.array(entrySchema).min(1) }),
);

/** The rules of one list of a peer, each with our answer to it. */
export type ParityList = z.output<typeof paritySchema>[number];
export type ParityEntry = ParityList['entries'][number];

/** Reads docs/parity.yaml; throws where it is not as described at its top. */
export function readParity(file: string): ParityList[] {
  const result = paritySchema.safeParse(parse(readFileSync(file, 'utf8')));
  if (!result.success) throw new Error(`${file}: ${z.prettifyError(result.error)}`);
  return result.data;
}

/** The tables of docs/rules.md, in Markdown. */
export function renderParity(lists: readonly ParityList[]): string[] {
  const lines = [
    '## What others find',
    '',
    'The rules of other runtime monitors, and which of ours find the same in a container. Where none does, the reason is given.',
  ];
  for (const { peer, list, version, entries } of lists) {
    const covered = entries.filter((entry) => entry.rules !== undefined).length;
    lines.push('', `### ${peer} ${version}: ${list}`, '', `${covered} of ${entries.length} are covered.`, '');
    lines.push(`| ${peer} | ours | |`, '|---|---|---|', ...entries.map(renderEntry));
  }
  return lines;
}

function renderEntry(entry: ParityEntry): string {
  const name = entry.id === undefined ? entry.name : `${entry.id} ${entry.name}`;
  const ours = entry.rules?.map((rule) => `[${rule}](#${rule})`).join(', ') ?? '–';
  const remark = entry.leftOut ?? entry.note ?? '';
  return `| ${cell(name)} | ${ours} | ${cell(remark)} |`;
}

function cell(words: string): string {
  return words.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('_', '\\_');
}

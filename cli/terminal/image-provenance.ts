import { at, listAt, numberAt, textAt } from './json-path.ts';
import { unbroken } from './labelled.ts';
import { outcome, outcomeOf, outcomeSign } from './outcome.ts';
import type { Screen } from './style.ts';
import { ageText, dateTime } from './time.ts';

/** The provenance that counts with each of its clauses, then the others that were found. */
export function provenanceLines(paper: unknown, nowUnixMs: number, screen: Screen): string[] {
  const claim = at(paper, 'claim');
  const signer = textAt(paper, 'signer', 'name');
  const built = textAt(claim, 'finishedAt') ?? textAt(claim, 'startedAt');
  const head = [
    outcome(outcomeOf(textAt(paper, 'outcome')), screen),
    textAt(paper, 'reason'),
    signer && !textAt(paper, 'reason')?.includes(signer) ? `signed by ${signer}` : undefined,
    kindText(textAt(paper, 'predicateType')),
    built && `built ${dateTime(Date.parse(built), screen)}${ageText(built, nowUnixMs)}`,
  ];
  const others = listAt(paper, 'records').slice(1);
  return [
    head.filter((word) => word !== undefined && word !== '').join('  '),
    ...clauseLines(listAt(paper, 'clauses'), screen),
    ...factLines(claim),
    ...others.map((record) => otherText(record, screen)),
  ];
}

/** "SLSA v0.2" */
function kindText(predicateType: string | undefined): string | undefined {
  return predicateType?.replace(/^https:\/\/slsa\.dev\/provenance\//, 'SLSA ');
}

/** Those that hold beside each other, each that does not on a line of its own with its reason. */
function clauseLines(clauses: readonly unknown[], screen: Screen): string[] {
  const said = clauses.filter(
    (clause) => textAt(clause, 'found') !== undefined || listAt(clause, 'expected').length > 0,
  );
  const isFine = (clause: unknown): boolean => textAt(clause, 'outcome') === 'verified';
  const isExpected = (clause: unknown): boolean => listAt(clause, 'expected').length > 0;
  const short = (clause: unknown): string =>
    `${sign(clause, screen)}\u00a0${unbroken(textAt(clause, 'name') ?? '?')} ${textAt(clause, 'found') ?? ''}`.trim();
  const fine = said.filter(isFine).map(short).join('   ');
  const wrong = said
    .filter((clause) => isExpected(clause) && !isFine(clause))
    .map((clause) => {
      return `${sign(clause, screen)} ${textAt(clause, 'name')}: ${textAt(clause, 'outcome')}, ${textAt(clause, 'reason')}`;
    });
  const free = said.filter((clause) => !isExpected(clause)).map(short);
  const unexpected = free.length === 0 ? '' : `${free.join('   ')}   (no expectation)`;
  return [fine, ...wrong, unexpected].filter((text) => text !== '');
}

function sign(clause: unknown, screen: Screen): string {
  return outcomeSign(outcomeOf(textAt(clause, 'outcome')), screen);
}

function factLines(claim: unknown): string[] {
  const facts = [
    textAt(claim, 'commit') && `commit ${textAt(claim, 'commit')}`,
    textAt(claim, 'trigger') && `trigger ${textAt(claim, 'trigger')}`,
    textAt(claim, 'invocationId') && `run ${textAt(claim, 'invocationId')}`,
    (numberAt(claim, 'dependencyCount') ?? 0) > 0 &&
      `${numberAt(claim, 'dependencyCount')} ${numberAt(claim, 'dependencyCount') === 1 ? 'material' : 'materials'}`,
  ].filter((fact) => typeof fact === 'string');
  return facts.length === 0 ? [] : [`says   ${facts.map((fact) => unbroken(fact)).join('   ')}`];
}

function otherText(record: unknown, screen: Screen): string {
  const words = [
    outcome(outcomeOf(textAt(record, 'outcome')), screen),
    kindText(textAt(record, 'predicateType')),
    textAt(record, 'source'),
    textAt(record, 'reason'),
  ];
  return words.filter((word) => word !== undefined).join('  ');
}

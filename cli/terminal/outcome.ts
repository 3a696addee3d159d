import type { Screen, Tone } from './style.ts';

export const outcomeWords = ['verified', 'invalid', 'untrusted', 'absent', 'unknown'] as const;
export type OutcomeWord = (typeof outcomeWords)[number];

const signs: Record<OutcomeWord, { sign: string; tone: Tone }> = {
  verified: { sign: '✔', tone: 'good' },
  invalid: { sign: '✘', tone: 'bad' },
  untrusted: { sign: '▲', tone: 'warn' },
  absent: { sign: '–', tone: 'strong' },
  unknown: { sign: '?', tone: 'dim' },
};

/** Anything that is not one of the five words is unknown to us. */
export function outcomeOf(word: string | undefined): OutcomeWord {
  return outcomeWords.find((known) => known === word) ?? 'unknown';
}

/** "✔ verified": sign and word, so that nothing relies on the colour. */
export const outcomeWord = (word: OutcomeWord): string => `${signs[word].sign} ${word}`;

/** The sign alone, for places where the words beside it say what it means. */
export const outcomeSign = (word: OutcomeWord, screen: Screen): string =>
  screen.paint(signs[word].tone, signs[word].sign);

export const outcomeTone = (word: OutcomeWord): Tone => signs[word].tone;

export function outcome(word: OutcomeWord, screen: Screen): string {
  return screen.paint(signs[word].tone, outcomeWord(word));
}

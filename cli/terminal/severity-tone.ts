import type { Tone } from './style.ts';

const severityTones: Record<string, Tone> = {
  critical: 'bad',
  high: 'bad',
  medium: 'warn',
  low: 'accent',
  info: 'dim',
};

/** How a severity is painted, by its word. */
export function severityTone(word: string): Tone {
  return severityTones[word] ?? 'strong';
}

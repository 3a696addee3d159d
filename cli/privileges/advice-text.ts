import { stringify } from 'yaml';
import { escapeText } from '../terminal/escape-deep.ts';
import { at, listAt, textsAt } from '../terminal/json-path.ts';

/** The flags of docker run as one line that a shell takes. */
export function shellLine(report: unknown): string {
  return textsAt(report, 'advice', 'dockerFlags').map(shellWord).join(' ');
}

/** Names come from the container: whatever is in them must stay one word, and do nothing to the terminal. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${escapeText(word).replaceAll("'", "'\\''")}'`;
}

/** The fields of a container in a pod, and the pod's volumes. */
export function yamlText(report: unknown): string[] {
  const container = at(report, 'advice', 'kubernetes', 'container');
  const volumes = listAt(report, 'advice', 'kubernetes', 'volumes');
  const text = stringify(container ?? {}, { lineWidth: 0 });
  const lines = text.trimEnd().split('\n');
  if (volumes.length === 0) return lines;
  return [...lines, '# In the pod:', ...stringify({ volumes }, { lineWidth: 0 }).trimEnd().split('\n')];
}

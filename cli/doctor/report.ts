import type { HookWay } from '../../agent/sensor/hooks.ts';
import type { Screen, Tone } from '../terminal/style.ts';
import { wrap } from '../terminal/text.ts';
import type { Check, CheckState, Verdict } from './check.ts';

const signs: Record<CheckState, { sign: string; tone: Tone }> = {
  good: { sign: '✔', tone: 'good' },
  weaker: { sign: '▲', tone: 'warn' },
  blocked: { sign: '✘', tone: 'bad' },
  unknown: { sign: '?', tone: 'dim' },
};

const nameColumns = 18;

/** What was looked at, what was found, what follows, what to do; then the verdict. */
export function doctorReport(verdict: Verdict, screen: Screen, options: { problemsOnly: boolean }): string[] {
  const shown = options.problemsOnly ? verdict.checks.filter(({ state }) => state !== 'good') : verdict.checks;
  const lines = [...shown.flatMap((check) => checkLines(check, screen)), '', verdictLine(verdict, screen)];
  return verdict.canWatch ? lines : [...lines, ...wrap(whatStillWorks, screen.columns)];
}

function checkLines(check: Check, screen: Screen): string[] {
  const { sign, tone } = signs[check.state];
  const indent = nameColumns + 2;
  const part = (label: string, text: string | undefined): string[] =>
    text === undefined ? [] : wrap(`${label}${text}`, screen.columns - indent).map((line) => ' '.repeat(indent) + line);
  const [first = '', ...rest] = wrap(check.found, screen.columns - indent);
  const name = check.name.padEnd(nameColumns);
  return [
    `${screen.paint(tone, sign)} ${screen.paint('strong', name)}${first}`,
    ...rest.map((line) => ' '.repeat(indent) + line),
    ...betterWays(check).flatMap(({ attachPoint, reason }) => part(`not ${attachPoint}: `, reason)),
    ...part('looked at: ', check.state === 'good' ? undefined : check.looked),
    ...part('so: ', check.follows),
    ...part('do: ', check.todo),
  ];
}

/** The ways before the one in use; all where none is. */
function betterWays({ ways = [] }: Check): HookWay[] {
  const used = ways.findIndex(({ state }) => state === 'used');
  return used < 0 ? ways : ways.slice(0, used);
}

const whatStillWorks =
  'What needs no agent still works: tallyman collector, alerts, alert, image, containers, and make check.';

function verdictLine({ canWatch, checks }: Verdict, screen: Screen): string {
  if (!canWatch) {
    const blocked = checks.filter(({ state }) => state === 'blocked').map(({ name }) => name);
    return screen.paint('bad', `✘ Containers cannot be watched here: ${blocked.join(', ')}.`);
  }
  const weaker = checks.filter(({ state }) => state !== 'good').map(({ name }) => name);
  const but = weaker.length === 0 ? '' : ` Less than it could be: ${weaker.join(', ')}.`;
  return screen.paint('good', `✔ Containers can be watched here.${but}`);
}

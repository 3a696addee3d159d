import { type HookState, passedOver } from '../../agent/sensor/hooks.ts';
import { escapeText } from '../terminal/escape-deep.ts';
import { labelled, unbroken } from '../terminal/labelled.ts';
import type { Screen } from '../terminal/style.ts';
import { zoneNote } from '../terminal/time.ts';

/** Everything the start-up screen tells; real values only. */
export interface StartInfo {
  version: string;
  nodeName: string;
  kernel: string;
  hooks: readonly HookState[];
  runtimes: readonly string[];
  containersWatched: number;
  ruleCount: number;
  /** Where alerts go: "nats://127.0.0.1:4222 (nats-server started here)". */
  alerts: string;
  /** The command that subscribes; undefined when there is no NATS. */
  subscribe: string | undefined;
  traces: string;
  apiUrl: string;
  logFile: string;
}

const labelColumns = 12;

export function startScreen(info: StartInfo, screen: Screen): string[] {
  const line = (label: string, text: string): string[] => labelled(label, text, screen, labelColumns);
  const attached = info.hooks.filter(({ attachPoint }) => attachPoint !== undefined);
  const missing = info.hooks.filter(({ attachPoint }) => attachPoint === undefined);
  return [
    `${screen.paint('strong', `Tallyman ${info.version}`)} watches ${escapeText(info.nodeName)}   ${screen.paint('dim', zoneNote(screen))}`,
    ...line('kernel', info.kernel),
    ...line('hooks', attached.map(({ name, attachPoint }) => unbroken(`${name} ${attachPoint}`)).join(' · ')),
    ...missing.flatMap((hook) => line('', screen.paint('warn', `▲ ${missingHook(hook)}`))),
    ...line('runtimes', info.runtimes.map(escapeText).join(', ') || 'none found: containers cannot be named'),
    ...line('containers', `${info.containersWatched} watched, by ${info.ruleCount} rules`),
    ...line('alerts', info.alerts),
    ...line('traces', info.traces),
    ...line('API', info.apiUrl),
    ...line('log', info.logFile),
    '',
    screen.paint('dim', 'Alerts appear below. In a second terminal: ./tallyman demo'),
    screen.paint(
      'dim',
      `${info.subscribe === undefined ? '' : `For subscribers: ${info.subscribe}. `}Ctrl-C stops everything.`,
    ),
  ];
}

function missingHook(hook: HookState): string {
  const reasons = passedOver(hook);
  const { name, consequence } = hook;
  return escapeText(`${name} is not attached: ${consequence}${reasons.length === 0 ? '' : ` (${reasons.join('; ')})`}`);
}

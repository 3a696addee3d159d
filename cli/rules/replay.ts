import { BaselineStore } from '../../agent/baseline/baseline-store.ts';
import type { WallClock } from '../../agent/detect/attributed-event.ts';
import { createDetector, type Detector } from '../../agent/detect/detector.ts';
import { severityName } from '../../agent/detect/severity-name.ts';
import { readRecording } from '../../agent/recording/reader.ts';
import { baselineVersion } from '../../common/baseline-content.ts';
import { escapeHostile } from '../../common/escape.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { Baseline, BaselineState } from '../../proto/generated/tallyman/v1/baseline.ts';
import { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import { readBaselineFile } from '../baseline/read-file.ts';
import { print, printJson, printNote, printZone, standardScreen } from '../output.ts';
import { type RuleOptions, ruleFolders } from '../service-options.ts';
import { severityTone } from '../terminal/severity-tone.ts';
import type { Screen } from '../terminal/style.ts';
import { timeOfDay } from '../terminal/time.ts';

export interface ReplayRulesOptions extends RuleOptions {
  json?: boolean;
  utc?: boolean;
  baseline?: string[];
}

const maxProblemsShown = 5;

/** @throws {CodedError} RULES_INVALID, RECORDING_UNREADABLE, RECORDING_VERSION */
export async function replayRules(file: string, options: ReplayRulesOptions): Promise<void> {
  const screen = standardScreen(options);
  const totals: Totals = { events: 0, findings: 0, problems: 0 };
  const onProblem = (lineNumber: number, reason: string): void => {
    if (++totals.problems <= maxProblemsShown) printNote(`${file}:${lineNumber}: skipped: ${reason}`);
  };
  const clock = new RecordedClock();
  const parts = { logger: silentLogger, metrics: new Metrics('agent') };
  const baselines = new BaselineStore(parts);
  baselines.update({ baselines: (options.baseline ?? []).map(baselineOfFile), removed: [] });
  const detector = createDetector({ ...parts, rulesDirs: ruleFolders(options), baselines, clock });
  const show = (findings: readonly Finding[]): void => {
    for (const finding of findings) {
      totals.findings++;
      if (options.json) printJson(Finding.toJSON(finding));
      else print(...block(finding, screen));
    }
  };
  if (!options.json) printZone(screen);
  for await (const { input, timeUnixNs } of readRecording(file, { onProblem })) {
    totals.events++;
    clock.set(input.event.ktimeNs, timeUnixNs);
    show(detector.onContainer(input.container));
    show(detector.onEvent(input));
  }
  printTotals(totals, detector);
}

/** What a file says counts as ready, as if it had been applied. */
function baselineOfFile(file: string): Baseline {
  const { key, frozen, content } = readBaselineFile(file).parsed;
  const version = baselineVersion(content);
  return Baseline.fromPartial({ key, state: BaselineState.READY, version, frozen, ...content });
}

/** Wall-clock times as they were when the events were recorded. */
class RecordedClock implements WallClock {
  #offsetNs = 0n;

  set(ktimeNs: bigint, unixNs: bigint): void {
    this.#offsetNs = unixNs - ktimeNs;
  }

  unixNs(ktimeNs: bigint): bigint {
    return ktimeNs + this.#offsetNs;
  }
}

function block(finding: Finding, screen: Screen): string[] {
  const severity = severityName(finding.severity);
  const time = timeOfDay(Number((finding.event?.timeUnixNs ?? 0n) / 1_000_000n), screen);
  const container = escapeHostile(finding.container?.name || (finding.container?.id.slice(0, 12) ?? ''));
  return [
    `${screen.paint(severityTone(severity), `● ${severity.toUpperCase()}`)}  ${screen.paint('strong', finding.ruleId)}  ${time}  ${container}`,
    `  ${escapeHostile(finding.summary)}`,
  ];
}

interface Totals {
  events: number;
  findings: number;
  problems: number;
}

function printTotals(totals: Totals, detector: Detector): void {
  const repeats = detector.repeats('all').reduce((sum, { count }) => sum + count, 0n);
  const skipped = totals.problems === 0 ? '' : `; ${totals.problems} lines were skipped`;
  printNote(`${totals.events} events, ${totals.findings} findings, ${repeats} repeats of them${skipped}`);
  const idle = detector.rules().filter((rule) => rule.state === 'inactive');
  if (idle.length > 0)
    printNote(`not evaluated, because they need a baseline (--baseline): ${idle.map((rule) => rule.id).join(', ')}`);
  const failing = detector.rules().filter((rule) => rule.errors > 0);
  for (const rule of failing) printNote(`rule ${rule.id} failed on ${rule.errors} events (${rule.state})`);
}

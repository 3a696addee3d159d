import { createHash } from 'node:crypto';
import type { Metrics } from '../../common/metrics.ts';
import type { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import type { Node } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { SeverityWord } from '../decide/alert.ts';
import { Lanes } from '../inbox/lanes.ts';
import type { ImageQuery } from '../records/papers.ts';
import type { Store, StoredContainer, StoredImageFinding } from '../store/store.ts';
import { runningContainersOf } from './image-containers.ts';
import { type EvidenceList, evidenceHashOf, makeImageFinding } from './image-finding.ts';
import { imageKeyOf } from './image-key.ts';
import { imageRules } from './image-rules.ts';

/** What was concluded about an image. */
export interface ImageReport {
  /** Of collector/images/rules. */
  ruleId: string;
  image: ImageQuery;
  /** One sentence a person would write. */
  summary: string;
  /** Else the rule's. */
  severity?: SeverityWord;
  /** Else the rule's. */
  remediation?: string;
  /** Facts by name; with the lists they say whether it is the same finding as before. */
  fields?: Readonly<Record<string, string>>;
  lists?: readonly EvidenceList[];
  /** Containers it is about, the most telling first; else those that run the image. */
  containers?: readonly StoredContainer[];
}

/**
 * new: a finding was made, and its decision is stored. known: told before, also by an earlier run. not-running: nothing runs
 * the image; it is told when something does. no-digest: nothing but a name is known of the image.
 */
export type ReportResult = 'new' | 'known' | 'not-running' | 'no-digest';

export interface ImageFindingsOptions {
  store: Pick<Store, 'listContainers' | 'listNodes' | 'getImageFinding' | 'putImageFinding'>;
  /** Takes a finding through correlate, decide and publish; resolves when its alert is stored. */
  submit(node: Node, finding: Finding): Promise<void>;
  /** Tells that what an alert says no longer holds. */
  ended(alertId: string, reason: string): void;
  metrics: Metrics;
  now?: () => number;
}

/** Findings about images: each once for (rule, image, evidence), with an end when it no longer holds. */
export class ImageFindings {
  readonly #options: ImageFindingsOptions;
  /** One report of an image and rule after the other. */
  readonly #lanes = new Lanes(8);
  readonly #reports;

  constructor(options: ImageFindingsOptions) {
    this.#options = options;
    this.#reports = options.metrics.counter('image_findings_total', 'Conclusions about images, by rule and result.', [
      'rule',
      'result',
    ]);
  }

  /** @throws {TypeError} a rule that is not described; else what the store throws, and nothing is remembered then */
  async report(report: ImageReport): Promise<ReportResult> {
    if (!imageRules().has(report.ruleId)) throw new TypeError(`there is no rule about images "${report.ruleId}"`);
    const key = imageKeyOf(report.image);
    let result: ReportResult = 'no-digest';
    if (key !== undefined)
      await this.#lanes.run(`${report.ruleId} ${key}`, async () => {
        result = await this.#report(report, key);
      });
    this.#reports.inc({ rule: report.ruleId, result });
    return result;
  }

  /** It does not hold any more. Answers whether it did. @throws what the store throws */
  async resolve(ruleId: string, image: ImageQuery, reason: string): Promise<boolean> {
    const key = imageKeyOf(image);
    let ended = false;
    if (key === undefined) return ended;
    await this.#lanes.run(`${ruleId} ${key}`, async () => {
      const known = this.#options.store.getImageFinding(ruleId, key);
      if (known === undefined || !known.open) return;
      this.#options.ended(known.alertId, reason);
      this.#options.store.putImageFinding({ ...known, open: false, changedUnixMs: this.#now() });
      this.#reports.inc({ rule: ruleId, result: 'ended' });
      ended = true;
    });
    return ended;
  }

  async #report(report: ImageReport, imageKey: string): Promise<ReportResult> {
    const { store } = this.#options;
    const rule = imageRules().get(report.ruleId);
    if (rule === undefined) throw new TypeError(`there is no rule about images "${report.ruleId}"`);
    const { summary, severity = rule.severity, remediation = rule.remediation, fields = {}, lists = [] } = report;
    const evidenceHash = evidenceHashOf(severity, { fields, lists });
    const known = store.getImageFinding(rule.id, imageKey);
    if (known?.open && known.evidenceHash === evidenceHash) return 'known';
    const containers = report.containers ?? runningContainersOf(store, imageKey);
    const [first] = containers;
    if (first === undefined) return 'not-running';
    const episode = known === undefined ? 1 : known.episode + 1;
    const findingId = idOf(rule.id, imageKey, evidenceHash, episode);
    const nowUnixMs = this.#now();
    const finding = makeImageFinding({
      ...{ findingId, rule, severity, summary, remediation, imageKey, containers, nowUnixMs },
      evidence: { fields, lists },
    });
    await this.#options.submit(this.#node(first.nodeName), finding);
    if (known?.open) this.#options.ended(known.alertId, `replaced by ${findingId}`);
    const next: StoredImageFinding = {
      ...{ ruleId: rule.id, imageKey, evidenceHash, alertId: findingId, open: true, episode },
      changedUnixMs: nowUnixMs,
    };
    store.putImageFinding(next);
    return 'new';
  }

  #node(name: string): Node {
    const known = this.#options.store.listNodes().find(({ node }) => node.name === name);
    return known?.node ?? { name, bootId: '', kernelRelease: '', architecture: '', osName: '' };
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }
}

/** Computed: a report that is made again because the collector died before it was remembered is the same alert. */
function idOf(...parts: readonly (string | number)[]): string {
  const hex = createHash('sha256').update(parts.join('\0')).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

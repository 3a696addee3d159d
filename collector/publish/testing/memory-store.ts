import type { AlertSource, StoredAlert, StoredDecision, StoredRepeats } from '../../store/store.ts';
import { decisionIdOf, parseDecisionId, parseUpdateId, updateIdOf } from '../../store/update-id.ts';
import type { PublisherStore } from '../publisher.ts';

/** A store that keeps everything in memory and otherwise behaves like one that does not. */
export class MemoryStore implements PublisherStore {
  readonly #alerts = new Map<string, StoredAlert>();
  readonly #outbox = new Set<string>();
  readonly #updates = new Map<string, StoredAlert>();
  readonly #sources = new Map<string, AlertSource>();
  readonly publishedAtUnixMs = new Map<string, number>();
  /** Thrown by the next writes, as a full disk would. */
  writeError: Error | undefined;

  putAlerts(alerts: readonly StoredAlert[]): number {
    if (this.writeError !== undefined) throw this.writeError;
    const fresh = alerts.filter((alert) => !this.#alerts.has(alert.alertId));
    for (const alert of fresh) {
      const { source, ...kept } = structuredClone(alert);
      this.#alerts.set(alert.alertId, kept);
      if (source !== undefined) this.#sources.set(alert.alertId, { ...source, revision: 0 });
      this.#outbox.add(alert.alertId);
    }
    return new Set(fresh.map((alert) => alert.alertId)).size;
  }

  getAlert(alertId: string): StoredAlert | undefined {
    return structuredClone(this.#alerts.get(alertId));
  }

  putRepeats({ alertId, updateEvent, publish, ...repeats }: StoredRepeats): boolean {
    if (this.writeError !== undefined) throw this.writeError;
    const alert = this.#alerts.get(alertId);
    if (alert === undefined || (alert.repeats?.count ?? 0) >= repeats.count) return false;
    alert.repeats = repeats;
    this.#updates.delete(alertId);
    if (publish)
      this.#updates.set(alertId, { ...alert, alertId: updateIdOf(alertId, repeats.count), cloudEvent: updateEvent });
    return true;
  }

  getAlertSource(alertId: string): AlertSource | undefined {
    return this.#sources.get(alertId);
  }

  putDecision({ alertId, updateEvent, updateSubject, publish, ...decision }: StoredDecision): boolean {
    const [alert, source] = [this.#alerts.get(alertId), this.#sources.get(alertId)];
    if (alert === undefined || source === undefined || source.revision >= decision.revision) return false;
    const { severity, subject, cloudEvent, ...judged } = decision;
    Object.assign(alert, { severity, subject, cloudEvent });
    Object.assign(source, judged);
    const id = decisionIdOf(alertId, decision.revision);
    if (publish === 'update')
      this.#updates.set(alertId, { ...alert, alertId: id, cloudEvent: updateEvent, subject: updateSubject });
    if (publish === 'alert') this.#outbox.add(alertId);
    return true;
  }

  readOutbox(limit: number): StoredAlert[] {
    const alerts = [...this.#outbox].flatMap((alertId) => this.getAlert(alertId) ?? []);
    return [...alerts, ...this.#updates.values()].slice(0, limit);
  }

  markPublished(alertIds: readonly string[], publishedAtUnixMs: number): void {
    if (this.writeError !== undefined) throw this.writeError;
    for (const alertId of alertIds)
      if (this.#outbox.delete(alertId) || this.#deleteUpdate(alertId))
        this.publishedAtUnixMs.set(alertId, publishedAtUnixMs);
  }

  outboxSize(): number {
    return this.#outbox.size + this.#updates.size;
  }

  #deleteUpdate(messageId: string): boolean {
    const alertId = (parseUpdateId(messageId) ?? parseDecisionId(messageId))?.alertId ?? '';
    return this.#updates.get(alertId)?.alertId === messageId && this.#updates.delete(alertId);
  }
}

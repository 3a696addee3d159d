import type { StoredAlert } from '../../store/store.ts';
import type { PublisherStore } from '../publisher.ts';

/** A store that keeps everything in memory and otherwise behaves like one that does not. */
export class MemoryStore implements PublisherStore {
  readonly #alerts = new Map<string, StoredAlert>();
  readonly #outbox = new Set<string>();
  readonly publishedAtUnixMs = new Map<string, number>();
  /** Thrown by the next writes, as a full disk would. */
  writeError: Error | undefined;

  putAlerts(alerts: readonly StoredAlert[]): number {
    if (this.writeError !== undefined) throw this.writeError;
    const fresh = alerts.filter((alert) => !this.#alerts.has(alert.alertId));
    for (const alert of fresh) {
      this.#alerts.set(alert.alertId, structuredClone(alert));
      this.#outbox.add(alert.alertId);
    }
    return new Set(fresh.map((alert) => alert.alertId)).size;
  }

  getAlert(alertId: string): StoredAlert | undefined {
    return structuredClone(this.#alerts.get(alertId));
  }

  readOutbox(limit: number): StoredAlert[] {
    return [...this.#outbox].slice(0, limit).flatMap((alertId) => this.getAlert(alertId) ?? []);
  }

  markPublished(alertIds: readonly string[], publishedAtUnixMs: number): void {
    if (this.writeError !== undefined) throw this.writeError;
    for (const alertId of alertIds)
      if (this.#outbox.delete(alertId)) this.publishedAtUnixMs.set(alertId, publishedAtUnixMs);
  }

  outboxSize(): number {
    return this.#outbox.size;
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from 'nats';

/** An alert as it came over NATS: subject, headers and the CloudEvent. */
export interface ReceivedAlert {
  subject: string;
  messageId: string;
  contentType: string;
  traceparent: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at the message as a stranger would
  event: any;
}

/** A plain NATS subscriber, as an SRE would write one. */
export class AlertSubscriber {
  readonly alerts: ReceivedAlert[] = [];
  readonly #connection: NatsConnection;

  private constructor(connection: NatsConnection, subject: string) {
    this.#connection = connection;
    connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return;
        this.alerts.push({
          subject: message.subject,
          messageId: message.headers?.get('Nats-Msg-Id') ?? '',
          contentType: message.headers?.get('Content-Type') ?? '',
          traceparent: message.headers?.get('traceparent') ?? '',
          event: message.json(),
        });
      },
    });
  }

  static async connect(url: string, subject = 'tallyman.v1.alerts.>'): Promise<AlertSubscriber> {
    const subscriber = new AlertSubscriber(await connect({ servers: url }), subject);
    await subscriber.#connection.flush();
    return subscriber;
  }

  ofContainer(containerId: string): ReceivedAlert[] {
    return this.alerts.filter((alert) => alert.event.data.evidences?.[0]?.container?.uid === containerId);
  }

  /** The alert of a rule for a container; waits for it. */
  async waitFor(containerId: string, ruleId: string, limitMs = 15_000): Promise<ReceivedAlert> {
    for (let waitedMs = 0; waitedMs <= limitMs; waitedMs += 50) {
      const found = this.ofContainer(containerId).find(
        (alert) => alert.event.data.finding_info.analytic.uid === ruleId,
      );
      if (found !== undefined) return found;
      await sleep(50);
    }
    const seen = this.ofContainer(containerId).map((alert) => alert.subject);
    throw new Error(
      `no ${ruleId} alert of ${containerId.slice(0, 12)} within ${limitMs} ms; there are: ${seen.join(', ')}`,
    );
  }

  async close(): Promise<void> {
    await this.#connection.drain();
  }
}

import type { CodedError } from '../../common/errors.ts';
import type { StoredAlert } from '../store/store.ts';

/** A refusal no repetition changes: the alert itself is what the other side does not take. */
export type SinkErrorCode = 'sink-refused' | 'sink-unavailable';

/** Where the outbox sends alerts. */
export interface AlertSink {
  /**
   * Resolves once the other side has taken the alert durably.
   *
   * @throws CodedError<SinkErrorCode>: `sink-refused` is final for this alert, everything else is tried again.
   */
  publish(alert: StoredAlert): Promise<void>;
  /** Sending makes sense now. */
  readonly connected: boolean;
  /** Why there is no connection or publishing fails; undefined while all is well. */
  readonly failing: string | undefined;
  /** Called whenever sending makes sense again. */
  onConnected(listener: () => void): void;
  close(): Promise<void>;
}

export type SinkError = CodedError<SinkErrorCode>;

import { DiscardPolicy, type JetStreamManager, NatsError, RetentionPolicy, StorageType, type StreamConfig } from 'nats';
import { errorText } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { alertSubjectPrefix } from './subject.ts';

export const alertStreamName = 'TALLYMAN_ALERTS';

export interface AlertStreamOptions {
  /** 14 days. */
  maxAgeMs?: number;
  /** 1 GiB. */
  maxBytes?: number;
  /** Of one cluster, namespace, severity and rule. 10 000. */
  maxMessagesPerSubject?: number;
  replicas?: number;
}

const nsPerMs = 1_000_000;
const streamNotFound = 10_059;
const streamNameInUse = 10_058;

/** The stream alerts are kept in; names of the fields are JetStream's. */
export function alertStreamConfig(options: AlertStreamOptions): Partial<StreamConfig> & { name: string } {
  return {
    name: alertStreamName,
    description: 'Tallyman alerts: CloudEvents with OCSF Detection Findings',
    subjects: [`${alertSubjectPrefix}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: (options.maxAgeMs ?? 14 * 24 * 3_600_000) * nsPerMs,
    max_bytes: options.maxBytes ?? 1024 ** 3,
    // One rule that fires all the time in one namespace pushes out its own alerts, not those of others.
    max_msgs_per_subject: options.maxMessagesPerSubject ?? 10_000,
    duplicate_window: 5 * 60_000 * nsPerMs,
    num_replicas: options.replicas ?? 1,
    // Tamper evidence: what has been published cannot be taken out message by message.
    deny_delete: true,
  };
}

/**
 * Creates the stream when it is missing. One that exists belongs to the operator and is left as it is; where it differs
 * is answered. Not being allowed to look or to create is no failure: publishing needs neither.
 */
export async function ensureAlertStream(
  manager: JetStreamManager,
  options: AlertStreamOptions,
  logger: Logger,
): Promise<string[]> {
  const wanted = alertStreamConfig(options);
  try {
    const { config } = await manager.streams.info(alertStreamName);
    return streamDifferences(wanted, config);
  } catch (error) {
    if (apiErrorCode(error) !== streamNotFound) {
      logger.warn({ stream: alertStreamName, reason: errorText(error) }, 'cannot look at the alert stream');
      return [];
    }
  }
  try {
    await manager.streams.add(wanted);
    logger.info({ stream: alertStreamName, subjects: wanted.subjects }, 'alert stream created');
  } catch (error) {
    // In use: another collector was faster.
    if (apiErrorCode(error) !== streamNameInUse)
      logger.error({ stream: alertStreamName, reason: errorText(error) }, 'cannot create the alert stream');
  }
  return [];
}

/** "max_age: 60000000000 instead of …" for what matters to delivery. */
export function streamDifferences(wanted: Partial<StreamConfig>, found: Partial<StreamConfig>): string[] {
  const keys = [
    'subjects',
    'retention',
    'storage',
    'discard',
    'max_age',
    'max_bytes',
    'max_msgs_per_subject',
    'duplicate_window',
    'deny_delete',
  ];
  return keys.flatMap((key) => {
    const [want, have] = [wanted, found].map((config) => JSON.stringify(config[key as keyof StreamConfig]) ?? 'unset');
    return want === have ? [] : [`${key}: ${have} instead of ${want}`];
  });
}

function apiErrorCode(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}

import type { Logger } from '../common/logger.ts';
import type { Metrics } from '../common/metrics.ts';
import { type CollectorConfig, databaseFile } from './config.ts';
import { createSqliteStore } from './store/sqlite/sqlite-store.ts';
import type { Store } from './store/store.ts';

const dayMs = 24 * 3_600_000;

/** The store in the data directory, with the bounds that are configured. Throws as createSqliteStore does. */
export function openStore(config: CollectorConfig, { logger, metrics }: { logger: Logger; metrics: Metrics }): Store {
  const { maxAlerts, maxAlertAgeDays, maxDatabaseBytes, maxDocumentsBytes } = config.retention;
  const bounds = { maxAlerts, maxAlertAgeMs: maxAlertAgeDays * dayMs, maxDatabaseBytes, maxDocumentsBytes };
  return createSqliteStore({ file: databaseFile(config), bounds, logger, metrics });
}

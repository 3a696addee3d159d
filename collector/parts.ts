import type { ServerCredentials } from '@grpc/grpc-js';
import type { Registry } from 'prom-client';
import type { Logger } from '../common/logger.ts';
import type { Metrics } from '../common/metrics.ts';
import type { Readiness } from './query/readiness.ts';
import type { Records } from './records/papers.ts';

/** What the collector is made with. */
export interface CollectorParts {
  logger: Logger;
  metrics: Metrics;
  /** Shown by /metrics beside the collector's own; `tallyman up` adds the agent's. */
  registries?: readonly Registry[];
  /** Checks of /readyz; `tallyman up` adds the agent's. */
  readiness?: Readiness;
  /** TLS of the uplink. */
  uplinkCredentials?: ServerCredentials;
  /** Instead of the look-up in registries. */
  records?: Records;
  environment?: NodeJS.ProcessEnv;
}

import type { Logger } from '../common/logger.ts';
import type { Metrics } from '../common/metrics.ts';
import type { AttributedEvent } from './detect/attributed-event.ts';
import type { Uplink } from './uplink/uplink.ts';

/** What the agent is made with. */
export interface AgentParts {
  logger: Logger;
  metrics: Metrics;
  /** Takes the place of the line to a collector. */
  uplink?: Uplink;
  /** Sees every event before the rules do, with its time by the wall clock. Must not throw. */
  onEvent?: (event: AttributedEvent, timeUnixNs: bigint) => void;
}

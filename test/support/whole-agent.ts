import { type Agent, createAgent } from '../../agent/agent.ts';
import type { AgentOptions } from '../../agent/config.ts';
import type { AttributedEvent } from '../../agent/detect/attributed-event.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import type { Finding } from '../../proto/generated/tallyman/v1/finding.ts';

export interface WholeAgentOptions extends Omit<AgentOptions, 'uplinkAddress'> {
  onEvent: (event: AttributedEvent) => void;
  onFinding: (finding: Finding) => void;
}

/**
 * The whole agent on this node, from the kernel to what it would send to a collector, with the shipped rules and the
 * syscall pack.
 */
export class WholeAgent {
  readonly agent: Agent;
  readonly #metrics = new Metrics('agent');

  constructor({ onEvent, onFinding, ...options }: WholeAgentOptions) {
    this.agent = createAgent(
      { uplinkAddress: '127.0.0.1:1', syscallPack: true, ...options },
      {
        ...{ logger: silentLogger, metrics: this.#metrics, onEvent },
        uplink: {
          start: () => {},
          send: (item) => {
            if (item.$case === 'finding') onFinding(item.value);
            return true;
          },
          connected: true,
          pendingItems: 0,
          close: async () => ({ undeliveredItems: 0 }),
        },
      },
    );
  }

  /** Sum of a metric over its labels; its name without what all names of the agent begin with. */
  async metric(name: string): Promise<number> {
    const metric = await this.#metrics.registry.getSingleMetric(`tallyman_agent_${name}`)?.get();
    return (metric?.values ?? []).reduce((sum, { value }) => sum + value, 0);
  }
}

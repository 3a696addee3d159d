import {
  Baseline,
  type BaselineKey,
  BaselineState,
  type BaselineUpdate,
} from '../../proto/generated/tallyman/v1/baseline.ts';
import type { Node } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { Baselines } from './baselines.ts';

/** blocked: the agent does not read at the moment; `drained` tells when it does. */
export type SendResult = 'sent' | 'blocked' | 'gone';

export interface BaselinePushOptions {
  baselines: Pick<Baselines, 'subscribe' | 'idsOf' | 'keyOf' | 'messageOf' | 'nodesOf' | 'metrics'>;
  send(agentId: string, update: BaselineUpdate): SendResult;
  /** Changes within this time are told together, ms. */
  debounceMs?: number;
}

interface Recipient {
  nodeName: string;
  /** What was told last, by baseline. */
  told: Map<string, { key: BaselineKey; fingerprint: string }>;
  pending: Set<string>;
  blocked: boolean;
}

interface Encoded {
  message: Baseline;
  fingerprint: string;
  bytes: number;
}

/** Agents take messages of up to 1 MiB; one baseline has less than half of that. */
const maxMessageBytes = 256 * 1024;
const maxPerMessage = 64;

/** Tells each agent the baselines of what it runs: when it connects, and when one changes. */
export class BaselinePush {
  readonly #options: BaselinePushOptions;
  readonly #agents = new Map<string, Recipient>();
  readonly #changed = new Set<string>();
  readonly #unsubscribe: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BaselinePushOptions) {
    this.#options = options;
    this.#unsubscribe = options.baselines.subscribe((id) => {
      this.#changed.add(id);
      this.#schedule();
    });
  }

  /** For the ingest that agents are connected to. */
  get events() {
    return {
      onWelcomed: ({ agentId, node }: { agentId: string; node: Node }): void => this.connected(agentId, node.name),
      onDisconnected: (agentId: string): void => this.disconnected(agentId),
      onAgentDrained: (agentId: string): void => this.drained(agentId),
    };
  }

  /** A new stream: the agent has forgotten what it was told. */
  connected(agentId: string, nodeName: string): void {
    const pending = this.#options.baselines.idsOf(nodeName);
    this.#agents.set(agentId, { nodeName, told: new Map(), pending, blocked: false });
    this.#schedule();
  }

  disconnected(agentId: string): void {
    this.#agents.delete(agentId);
  }

  /** The agent reads again. */
  drained(agentId: string): void {
    const agent = this.#agents.get(agentId);
    if (agent === undefined || !agent.blocked) return;
    agent.blocked = false;
    if (agent.pending.size > 0) this.#schedule();
  }

  close(): void {
    this.#unsubscribe();
    clearTimeout(this.#timer);
    this.#agents.clear();
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
    }, this.#options.debounceMs ?? 300);
    this.#timer.unref();
  }

  #flush(): void {
    const { baselines } = this.#options;
    const changed = [...this.#changed];
    this.#changed.clear();
    const nodes = baselines.nodesOf(new Set(changed));
    for (const agent of this.#agents.values())
      for (const id of changed) if (agent.told.has(id) || nodes.get(id)?.has(agent.nodeName)) agent.pending.add(id);
    const encoded = new Map<string, Encoded | undefined>();
    for (const [agentId, agent] of this.#agents) if (agent.pending.size > 0) this.#tell(agentId, agent, encoded);
  }

  #tell(agentId: string, agent: Recipient, encoded: Map<string, Encoded | undefined>): void {
    const runs = this.#options.baselines.idsOf(agent.nodeName);
    while (agent.pending.size > 0 && !agent.blocked) {
      const update: BaselineUpdate = { baselines: [], removed: [] };
      const taken: { id: string; one: Encoded | undefined }[] = [];
      let bytes = 0;
      for (const id of agent.pending) {
        const one = runs.has(id) ? this.#encode(id, encoded) : undefined;
        if (taken.length >= maxPerMessage || (bytes > 0 && bytes + (one?.bytes ?? 0) > maxMessageBytes)) break;
        taken.push({ id, one });
        bytes += one?.bytes ?? 0;
        const told = agent.told.get(id);
        if (one !== undefined && one.fingerprint !== told?.fingerprint) update.baselines.push(one.message);
        else if (one === undefined && told !== undefined) update.removed.push(told.key);
      }
      if (!this.#send(agentId, agent, update)) return;
      this.#note(agent, taken);
    }
  }

  /** False when it did not go, and goes later. */
  #send(agentId: string, agent: Recipient, update: BaselineUpdate): boolean {
    if (update.baselines.length + update.removed.length === 0) return true;
    const result = this.#options.send(agentId, update);
    if (result === 'blocked') agent.blocked = true;
    if (result !== 'sent') return false;
    this.#options.baselines.metrics.pushed.inc(update.baselines.length);
    return true;
  }

  #note(agent: Recipient, taken: readonly { id: string; one: Encoded | undefined }[]): void {
    for (const { id, one } of taken) {
      agent.pending.delete(id);
      const key = one?.message.key;
      if (one === undefined || key === undefined) agent.told.delete(id);
      else agent.told.set(id, { key, fingerprint: one.fingerprint });
    }
  }

  #encode(id: string, encoded: Map<string, Encoded | undefined>): Encoded | undefined {
    if (encoded.has(id)) return encoded.get(id);
    const message = this.#options.baselines.messageOf(id);
    const one = message && {
      message,
      fingerprint: fingerprintOf(message),
      bytes: Baseline.encode(message).finish().length,
    };
    encoded.set(id, one);
    return one;
  }
}

/** What decides on the agent: progress of learning does not. */
function fingerprintOf({ state, frozen, version, openPaths, newPathsOpen }: Baseline): string {
  return JSON.stringify(state === BaselineState.READY ? [state, frozen, version, openPaths, newPathsOpen] : [state]);
}

import { type Agent, type AgentParts, createAgent } from './agent.ts';
import type { AgentOptions } from './config.ts';

/**
 * Runs an agent until the signal aborts. `onReady` gets it once it watches. Rejects with a CodedError when it cannot be
 * started; the caller decides about the process.
 */
export async function runAgent(
  options: AgentOptions,
  parts: AgentParts,
  signal: AbortSignal,
  onReady: (agent: Agent) => void = () => undefined,
): Promise<void> {
  const agent = createAgent(options, parts);
  await agent.start();
  try {
    onReady(agent);
    if (!signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  } finally {
    await agent.close();
  }
}

import { afterEach, expect, it } from 'vitest';
import { Metrics } from '../common/metrics.ts';
import type { AgentHealth } from './agent-health.ts';
import type { AgentHttp } from './agent-http.ts';
import { startAgentHttp } from './agent-http.ts';

let http: AgentHttp | undefined;
afterEach(() => http?.close());

it('answers health, readiness and metrics, and nothing else', async () => {
  const metrics = new Metrics('agent');
  metrics.counter('things_total', 'Things').inc();
  let health: AgentHealth = { ready: false, reason: 'no connection' };
  http = await startAgentHttp('127.0.0.1:0', metrics, () => health);
  const get = (path: string, method = 'GET') => fetch(`${http?.url}${path}`, { method });

  expect((await get('/healthz')).status).toBe(200);
  const waiting = await get('/readyz');
  expect([waiting.status, await waiting.json()]).toEqual([503, health]);
  health = { ready: true, reason: '' };
  expect((await get('/readyz')).status).toBe(200);
  expect(await (await get('/metrics')).text()).toContain('tallyman_agent_things_total 1');
  expect((await get('/etc/passwd')).status).toBe(404);
  expect((await get('/metrics', 'POST')).status).toBe(405);
});

it('says which address is taken', async () => {
  http = await startAgentHttp('127.0.0.1:0', new Metrics('agent'), () => ({ ready: true, reason: '' }));
  const address = http.url.replace('http://', '');
  await expect(startAgentHttp(address, new Metrics('agent'), () => ({ ready: true, reason: '' }))).rejects.toThrow(
    address,
  );
});

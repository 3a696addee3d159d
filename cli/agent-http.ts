import { createServer } from 'node:http';
import type { Metrics } from '../common/metrics.ts';
import type { AgentHealth } from './agent-health.ts';
import { CommandError } from './command-error.ts';
import { parseAddress } from './options.ts';

export interface AgentHttp {
  url: string;
  close(): Promise<void>;
}

/** /healthz: the process answers. /readyz: it watches and the collector takes what it reports. /metrics: Prometheus. */
export async function startAgentHttp(address: string, metrics: Metrics, health: () => AgentHealth): Promise<AgentHttp> {
  const { host, port } = parseAddress(address);
  const server = createServer(async (request, response) => {
    const answer = (status: number, type: string, body: string): void => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, 'text/plain', 'only GET\n');
    if (request.url === '/healthz') return answer(200, 'application/json', '{"status":"ok"}\n');
    if (request.url === '/readyz') {
      const now = health();
      return answer(now.ready ? 200 : 503, 'application/json', `${JSON.stringify(now)}\n`);
    }
    if (request.url === '/metrics') return answer(200, metrics.registry.contentType, await metrics.registry.metrics());
    return answer(404, 'text/plain', 'there is /healthz, /readyz and /metrics\n');
  });
  server.requestTimeout = 10_000;
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new CommandError('failed', `cannot listen for HTTP on ${address}`, { cause, hint: 'choose another --http' }),
      ),
    );
    server.listen(port, host, resolve);
  });
  const bound = server.address();
  const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

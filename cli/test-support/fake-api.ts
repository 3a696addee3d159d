import { once } from 'node:events';
import { createServer } from 'node:http';

export interface FakeApi {
  url: string;
  requests: string[];
  close(): Promise<void>;
}

/** A collector's HTTP API with answers by path; everything else is 404. */
export async function startFakeApi(answers: Record<string, unknown>): Promise<FakeApi> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    requests.push(request.url ?? '');
    const answer = answers[url.pathname];
    if (answer === undefined)
      response.writeHead(404, { 'content-type': 'application/problem+json' }).end('{"status":404}');
    else if (typeof answer === 'string') response.end(answer);
    else if (answer instanceof Refusal)
      response.writeHead(answer.status).end(JSON.stringify({ detail: answer.detail }));
    else response.end(JSON.stringify(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export class Refusal {
  readonly status: number;
  readonly detail: string;

  constructor(status: number, detail: string) {
    this.status = status;
    this.detail = detail;
  }
}

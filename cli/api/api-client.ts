import { errorText } from '../../common/errors.ts';
import { CommandError } from '../command-error.ts';
import { escapeDeep } from '../terminal/escape-deep.ts';
import { textAt } from '../terminal/json-path.ts';

const timeoutMs = 15_000;

/** How to reach the HTTP API; what every command that asks takes as options. */
export interface ApiOptions {
  api: string;
  apiToken?: string;
}

/** Reads JSON from the collector's HTTP API. Undefined when it answers 404. */
export async function getJson(options: ApiOptions, path: string, query: Record<string, string> = {}): Promise<unknown> {
  const url = new URL(path, options.api);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const response = await request(url, options);
  if (response.status === 404) return undefined;
  const body = await readJson(response, url);
  if (response.ok) return body;
  const reason = textAt(escapeDeep(body), 'detail') ?? response.statusText;
  const hint = response.status === 401 ? 'give the token with --api-token or TALLYMAN_API_TOKEN' : undefined;
  throw new CommandError('failed', `the collector refuses (${response.status}): ${reason}`, { hint });
}

async function request(url: URL, { api, apiToken }: ApiOptions): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (apiToken !== undefined) headers.authorization = `Bearer ${apiToken}`;
  try {
    return await fetch(url, { signal: AbortSignal.timeout(timeoutMs), headers });
  } catch (thrown) {
    throw new CommandError('unreachable', `cannot reach the collector at ${api}: ${errorText(thrown)}`, {
      hint: 'is `tallyman up` running? Another address is given with --api or TALLYMAN_API',
    });
  }
}

async function readJson(response: Response, url: URL): Promise<unknown> {
  try {
    return await response.json();
  } catch (thrown) {
    throw new CommandError('failed', `${url} did not answer with JSON (status ${response.status})`, {
      cause: thrown,
      hint: 'is this the HTTP address of a Tallyman collector?',
    });
  }
}

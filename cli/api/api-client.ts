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
  const url = urlOf(options, path, query);
  const response = await request(url, options);
  if (response.status === 404) return undefined;
  const body = await readJson(response, url);
  if (!response.ok) throw refusal(response, body);
  return body;
}

/** Reads text as it is. */
export async function getText(options: ApiOptions, path: string, query: Record<string, string> = {}): Promise<string> {
  const response = await request(urlOf(options, path, query), options);
  if (!response.ok) throw refusal(response, await readJson(response, new URL(path, options.api)));
  return response.text();
}

export interface ApiRequest {
  method: 'PUT' | 'POST';
  path: string;
  query?: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer>;
  contentType?: string;
  headers?: Record<string, string>;
}

/** Changes something; answers what the collector says of it. */
export async function sendJson(options: ApiOptions, change: ApiRequest): Promise<unknown> {
  const { method, path, query, body, contentType, headers = {} } = change;
  const url = urlOf(options, path, query);
  const type: Record<string, string> = contentType === undefined ? {} : { 'content-type': contentType };
  const response = await request(url, options, { method, body, headers: { ...headers, ...type } });
  const answer = await readJson(response, url);
  if (!response.ok) throw refusal(response, answer);
  return answer;
}

function urlOf({ api }: ApiOptions, path: string, query: Record<string, string> = {}): URL {
  const url = new URL(path, api);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

function refusal(response: Response, body: unknown): CommandError {
  const reason = textAt(escapeDeep(body), 'detail') ?? response.statusText;
  const hint = response.status === 401 ? 'give the token with --api-token or TALLYMAN_API_TOKEN' : undefined;
  return new CommandError('failed', `the collector refuses (${response.status}): ${reason}`, { hint });
}

async function request(
  url: URL,
  { api, apiToken }: ApiOptions,
  change: {
    method?: string;
    body?: string | Uint8Array<ArrayBuffer> | undefined;
    headers?: Record<string, string>;
  } = {},
): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json', ...change.headers };
  if (apiToken !== undefined) headers.authorization = `Bearer ${apiToken}`;
  try {
    const { method, body } = change;
    return await fetch(url, { signal: AbortSignal.timeout(timeoutMs), method, body, headers });
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

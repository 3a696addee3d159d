import { type ApiOptions, getJson } from '../api/api-client.ts';
import { CommandError } from '../command-error.ts';
import { escapeText } from '../terminal/escape-deep.ts';
import { listAt, textAt } from '../terminal/json-path.ts';

/** Path of the one baseline that is meant. @throws {CommandError} not-found, or failed when several are. */
export async function baselinePath(question: string, options: ApiOptions): Promise<string> {
  const found = listAt(await getJson(options, '/api/v1/baselines', { of: question }), 'baselines');
  const ids = found.flatMap((one) => textAt(one, 'id') ?? []);
  const [only] = ids;
  const shown = escapeText(question);
  if (only === undefined || !/^[0-9a-f]{1,32}$/.test(only))
    throw new CommandError('not-found', `no baseline is of ${shown}`, { hint: '`tallyman baseline list` lists them' });
  if (ids.length > 1)
    throw new CommandError('failed', `${ids.length} baselines are of ${shown}`, {
      hint: `name one by its id: ${ids.slice(0, 8).join(', ')}`,
    });
  return `/api/v1/baselines/${only}`;
}

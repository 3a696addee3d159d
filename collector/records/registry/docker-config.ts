import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type CredentialKey, compareKeys, keyMatches, parseCredentialKey } from './credential-key.ts';
import { type Credentials, toBasic } from './credentials.ts';

/** What a config.json of Docker, or the same JSON of a Kubernetes pull secret, says of credentials. */
export interface DockerConfig {
  /** The name of the program that keeps the host's credentials: its own one, else the common one. */
  helperOf(registry: string): string | undefined;
  /** Of "auths", by the most specific key that fits. */
  authOf(registry: string, repositoryName: string): Credentials | undefined;
}

const authSchema = z.object({
  auth: z.string().nullish(),
  username: z.string().nullish(),
  password: z.string().nullish(),
  identitytoken: z.string().nullish(),
  registrytoken: z.string().nullish(),
});
const configSchema = z.object({
  auths: z.record(z.string(), authSchema.nullable()).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
});

export const emptyDockerConfig: DockerConfig = { helperOf: () => undefined, authOf: () => undefined };

/** `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. */
export function dockerConfigPath(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment.DOCKER_CONFIG ?? join(homedir(), '.docker'), 'config.json');
}

/** Throws an Error that says what is wrong, and no part of a secret. */
export function parseDockerConfig(text: string): DockerConfig {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's own words quote the text, which holds passwords.
    throw new Error('it is no JSON');
  }
  const parsed = configSchema.safeParse(json);
  if (!parsed.success)
    throw new Error(
      `wrong type at ${parsed.error.issues.map((issue) => issue.path.join('.') || 'the top').join(', ')}`,
    );
  const { auths, credHelpers, credsStore } = parsed.data;
  const helpers = sorted(Object.entries(credHelpers ?? {}));
  const entries = sorted(
    Object.entries(auths ?? {}).flatMap(([key, entry]): [string, Credentials][] => {
      const credentials = entry === null ? undefined : toCredentials(entry);
      return credentials === undefined ? [] : [[key, credentials]];
    }),
  );
  return {
    helperOf: (registry) => first(helpers, registry, '') ?? (credsStore || undefined),
    authOf: (registry, name) => first(entries, registry, name),
  };
}

type Keyed<T> = readonly { key: CredentialKey; value: T }[];

/** Keys that name no host can match none. */
function sorted<T>(entries: readonly [string, T][]): Keyed<T> {
  const keyed = entries.flatMap(([text, value]) => {
    const key = parseCredentialKey(text);
    return key === undefined ? [] : [{ key, value }];
  });
  return keyed.sort((a, b) => compareKeys(a.key, b.key));
}

function first<T>(entries: Keyed<T>, registry: string, name: string): T | undefined {
  return entries.find(({ key }) => keyMatches(key, registry, name))?.value;
}

function toCredentials(entry: z.infer<typeof authSchema>): Credentials | undefined {
  if (entry.identitytoken) return { kind: 'identity-token', token: entry.identitytoken };
  if (entry.registrytoken) return { kind: 'registry-token', token: entry.registrytoken };
  if (entry.auth) {
    const decoded = Buffer.from(entry.auth, 'base64').toString('utf8').replace(/\0+$/, '');
    const colon = decoded.indexOf(':');
    if (colon > 0) return toBasic(decoded.slice(0, colon), decoded.slice(colon + 1));
  }
  return entry.username && typeof entry.password === 'string' ? toBasic(entry.username, entry.password) : undefined;
}

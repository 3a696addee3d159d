import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { CodedError } from '../../../common/errors.ts';
import { isDockerHub } from './reference.ts';

export type Credentials =
  | { kind: 'basic'; username: string; password: string }
  | { kind: 'identity-token'; token: string }
  | { kind: 'registry-token'; token: string };

/** Credentials by registry host, as `docker login` leaves them. */
export interface CredentialStore {
  find(registry: string): Credentials | undefined;
  /** Whether the host's credentials are kept by a helper program, which is not asked. */
  isHelperOnly(registry: string): boolean;
}

const authSchema = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
});
const configSchema = z.object({
  auths: z.record(z.string(), authSchema).optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});
type DockerConfig = z.infer<typeof configSchema>;

export const noCredentials: CredentialStore = { find: () => undefined, isHelperOnly: () => false };

/** `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. */
export function dockerConfigPath(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment.DOCKER_CONFIG ?? join(homedir(), '.docker'), 'config.json');
}

/**
 * Reads Docker's config.json; a missing file means no credentials. Throws CodedError DOCKER_CONFIG_UNREADABLE when the
 * file is there but cannot be used. Host names are compared whole, never in part.
 */
export function loadDockerCredentials(path: string = dockerConfigPath()): CredentialStore {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return noCredentials;
    throw unreadable(path, error);
  }
  try {
    return createCredentialStore(configSchema.parse(JSON.parse(text)));
  } catch (error) {
    throw unreadable(path, error);
  }
}

function createCredentialStore(config: DockerConfig): CredentialStore {
  const byHost = new Map<string, Credentials>();
  for (const [key, entry] of Object.entries(config.auths ?? {})) {
    const credentials = toCredentials(entry);
    if (credentials !== undefined) byHost.set(hostOfKey(key), credentials);
  }
  const helpers = new Set(Object.keys(config.credHelpers ?? {}).map(hostOfKey));
  return {
    find: (registry) => byHost.get(hostOfKey(registry)),
    isHelperOnly: (registry) =>
      !byHost.has(hostOfKey(registry)) && (helpers.has(hostOfKey(registry)) || config.credsStore !== undefined),
  };
}

/** "https://index.docker.io/v1/" and the hub's other names become one; scheme and path go. */
function hostOfKey(key: string): string {
  const host = key
    .replace(/^https?:\/\//, '')
    .split('/', 1)[0]!
    .toLowerCase();
  return isDockerHub(host) ? 'docker.io' : host;
}

function toCredentials(entry: z.infer<typeof authSchema>): Credentials | undefined {
  if (entry.identitytoken) return { kind: 'identity-token', token: entry.identitytoken };
  if (entry.registrytoken) return { kind: 'registry-token', token: entry.registrytoken };
  if (entry.auth) {
    const decoded = Buffer.from(entry.auth, 'base64').toString('utf8').replace(/\0+$/, '');
    const colon = decoded.indexOf(':');
    if (colon > 0) return basic(decoded.slice(0, colon), decoded.slice(colon + 1));
  }
  return entry.username && entry.password !== undefined ? basic(entry.username, entry.password) : undefined;
}

/** The user name "<token>" says that the password is an identity token. */
function basic(username: string, password: string): Credentials {
  return username === '<token>' ? { kind: 'identity-token', token: password } : { kind: 'basic', username, password };
}

function unreadable(path: string, cause: unknown): CodedError {
  const why = cause instanceof z.ZodError ? cause.issues.map((issue) => issue.path.join('.')).join(', ') : undefined;
  return new CodedError('DOCKER_CONFIG_UNREADABLE', `cannot use ${path}${why ? `: wrong type at ${why}` : ''}`, {
    cause: why === undefined ? cause : undefined,
    hint: 'correct the file, run `docker login` again, or set DOCKER_CONFIG to another folder',
  });
}

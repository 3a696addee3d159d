import type { Repository } from './reference.ts';

export type Credentials =
  | { kind: 'basic'; username: string; password: string }
  | { kind: 'identity-token'; token: string }
  | { kind: 'registry-token'; token: string };

export interface CredentialAnswer {
  credentials: Credentials | undefined;
  /** Why there may be some all the same: a helper or file that could not be read. */
  problem: string | undefined;
}

/** Who knows credentials for repositories. Never rejects. */
export interface CredentialStore {
  find(repository: Repository): Promise<CredentialAnswer>;
}

export const noCredentials: CredentialStore = {
  find: () => Promise.resolve({ credentials: undefined, problem: undefined }),
};

/** The user name "<token>" says that the password is an identity token. */
export function toBasic(username: string, password: string): Credentials {
  return username === '<token>' ? { kind: 'identity-token', token: password } : { kind: 'basic', username, password };
}

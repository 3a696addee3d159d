import type { KnownIdentity, Papers, RecordsCache } from '../../collector/records/papers.ts';
import { type ClosableRecords, createRecords, type RecordsOptions } from '../../collector/records/records.ts';
import { noCredentials } from '../../collector/records/registry/credentials.ts';
import { loadCosignKeys } from '../../collector/records/signature/keys.ts';
import { type Trust, trustOf } from '../../collector/records/trust/trust.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { fixturePath } from './push-papers.ts';

/** The key that most of test/fixtures/papers was signed with. */
export const releaseKey = loadCosignKeys([fixturePath('keys/release.pub')]);
/** Whose signatures count when only these keys do. */
export const trustIn = (keys: Trust['keys']): Trust => trustOf({ keys });

/** A RecordsCache that a restart survives as long as the test keeps it. */
export function memoryCache(): RecordsCache & { papers: Map<string, Papers>; documents: Map<string, Uint8Array> } {
  const papers = new Map<string, Papers>();
  const documents = new Map<string, Uint8Array>();
  const identities: KnownIdentity[] = [];
  return {
    papers,
    documents,
    getPapers: (key) => papers.get(key),
    putPapers: (key, value) => void papers.set(key, structuredClone(value)),
    getDocument: (digest) => documents.get(digest),
    putDocument: (digest, _mediaType, bytes) => void documents.set(digest, bytes),
    findIdentities: (digest) =>
      identities.filter((known) => [known.indexDigest, known.manifestDigest, known.configDigest].includes(digest)),
    putIdentities: (seen) => void identities.unshift(...seen),
  };
}

const opened: ClosableRecords[] = [];

/** Records that trust the release key and have a cache of their own. */
export function recordsWith(overrides: Partial<RecordsOptions> = {}): ClosableRecords {
  const records = createRecords({
    cache: memoryCache(),
    trust: trustIn(releaseKey),
    insecureRegistries: [],
    logger: silentLogger,
    metrics: new Metrics('collector'),
    credentials: noCredentials,
    ...overrides,
  });
  opened.push(records);
  return records;
}

export function closeRecords(): void {
  for (const records of opened.splice(0)) records.close();
}

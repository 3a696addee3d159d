import { loadDefaultPolicy, loadPolicy } from '../../collector/decide/policy.ts';
import { imageAnswer, queryOfReference } from '../../collector/query/image-answer.ts';
import type { RecordsCache } from '../../collector/records/papers.ts';
import { createRecords } from '../../collector/records/records.ts';
import { loadTrust } from '../../collector/records/trust/trust.ts';
import { parseImageReference } from '../../common/image-reference.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { CommandError } from '../command-error.ts';
import type { Requirable } from './requirable.ts';
import { type Verdict, verdictOf } from './verdict.ts';

export interface VerifyOptions {
  key?: string[];
  policy?: string;
  platform?: string;
  require?: Requirable[];
  insecureRegistry?: string[];
  allowHost?: string[];
}

/** Nothing is kept: each run asks the registry. */
const noCache: RecordsCache = {
  getPapers: () => undefined,
  putPapers: () => undefined,
  getDocument: () => undefined,
  putDocument: () => undefined,
  findIdentities: () => [],
  putIdentities: () => undefined,
};

/**
 * The papers of an image straight from its registry, as the collector would find and judge them, and the verdict.
 * @throws {CommandError} usage: the reference is none; CodedError: keys or policy cannot be used
 */
export async function verifyImage(reference: string, options: VerifyOptions) {
  const parsed = parseImageReference(reference);
  if ('refused' in parsed)
    throw new CommandError(
      'usage',
      `${JSON.stringify(reference.slice(0, 200))} is no image reference: ${parsed.refused}`,
      {
        hint: 'give it as registry.example.org/app:4.2.1 or with @sha256:…',
      },
    );
  const policy = options.policy === undefined ? loadDefaultPolicy() : loadPolicy(options.policy);
  const { images } = policy;
  const records = createRecords({
    cache: noCache,
    trust: loadTrust(policy.trust, options.policy, options.key ?? []),
    expectations: images,
    insecureRegistries: options.insecureRegistry ?? [],
    allowedHosts: options.allowHost ?? [],
    logger: silentLogger,
    metrics: new Metrics('collector'),
  });
  try {
    const query = queryOfReference(reference, options.platform);
    const found = await records.lookup(query);
    const verdict: Verdict = verdictOf(found.papers, query, images, options.require);
    return { answer: { ...imageAnswer(query, found), verdict }, verdict };
  } finally {
    records.close();
  }
}

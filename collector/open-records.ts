import type { Logger } from '../common/logger.ts';
import type { Metrics } from '../common/metrics.ts';
import type { CollectorConfig } from './config.ts';
import type { Policy } from './decide/policy.ts';
import type { ContentsStore } from './records/contents/contents-store.ts';
import type { Uploads } from './records/intake/uploads.ts';
import { type ClosableRecords, createRecords, type RecordsOptions } from './records/records.ts';
import { loadTrust } from './records/trust/trust.ts';
import { Vulnerabilities } from './records/vulnerability/vulnerabilities.ts';
import type { Store } from './store/store.ts';

export interface OpenRecordsOptions extends Pick<RecordsOptions, 'onLookedUp' | 'onCompared'> {
  config: CollectorConfig;
  policy: Policy;
  store: Store;
  contents: ContentsStore;
  uploads: Uploads;
  logger: Logger;
  metrics: Metrics;
}

export interface OpenedRecords {
  records: ClosableRecords;
  vulnerabilities: Vulnerabilities;
}

/** What is known of images: in registries, brought, and in vulnerability data. Throws CodedError for files that are wrong. */
export function openRecords(options: OpenRecordsOptions): OpenedRecords {
  const { config, policy, store, contents, uploads, logger, metrics, onLookedUp, onCompared } = options;
  const { keyFiles, policyFile, insecureRegistries, allowedHosts, pullSecrets, maxPapersAgeMs } = config;
  const { registryMirrors: mirrors, ociLayouts, noUpstream, vulnerability: settings, dataDir } = config;
  const trust = loadTrust(policy.trust, policyFile, keyFiles);
  const common = { contents, logger, metrics };
  const vulnerabilities = new Vulnerabilities({ ...common, settings, dataDir, cache: store, clock: Date.now });
  const records = createRecords({
    ...{ ...common, cache: store, knownImages: store, uploads, trust, expectations: policy.images, vulnerabilities },
    ...{ insecureRegistries, allowedHosts, pullSecrets, maxPapersAgeMs, mirrors, ociLayouts, noUpstream },
    ...{ onLookedUp, onCompared },
  });
  return { records, vulnerabilities };
}

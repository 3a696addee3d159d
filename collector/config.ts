import { join } from 'node:path';
import { z } from 'zod';
import { CodedError } from '../common/errors.ts';
import { defaultLearning } from './baseline/options.ts';
import { type Mirror, parseMirror } from './records/registry/mirrors.ts';
import { defaultRules } from './records/vulnerability/paper.ts';
import { defaultStoreBounds } from './store/sqlite/tables.ts';

const dayMs = 24 * 60 * 60 * 1000;
const address = z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/, 'must be HOST:PORT');
const count = z.number().int().positive();

const nats = z.strictObject({
  url: z.string().min(1),
  credsFile: z.string().min(1).optional(),
  user: z.string().optional(),
  password: z.string().optional(),
  token: z.string().optional(),
  tls: z
    .strictObject({
      caFile: z.string().optional(),
      certFile: z.string().optional(),
      keyFile: z.string().optional(),
    })
    .optional(),
});

/** When a baseline is learned, and when nobody needs it any more. */
const baselines = z.strictObject({
  minObservedMs: count.default(defaultLearning.minObservedMs),
  minContainers: count.default(defaultLearning.minContainers),
  staleAfterMs: count.default(defaultLearning.staleAfterMs),
});

/** Has agents read what images contain, each image once. */
const inventory = z.strictObject({
  enabled: z.boolean().default(true),
  /** Asked of all agents together at once. */
  maxAsked: count.max(64).default(4),
  /** How long an agent has before another one is asked. */
  answerMs: count.default(15 * 60_000),
});

/** Where vulnerability data comes from: files only, so that it works without a network. */
const vulnerability = z.strictObject({
  /** CISA's catalogue of known exploited vulnerabilities, JSON. */
  kevFile: z.string().min(1).optional(),
  /** FIRST's EPSS scores, CSV, as it is or compressed with gzip. */
  epssFile: z.string().min(1).optional(),
  /** OSV advisories: archives ("Debian/all.zip") or JSON files. */
  osvDirectory: z.string().min(1).optional(),
  /** A report whose data is older never says that there are no vulnerabilities. */
  reportMaxAgeDays: z.number().positive().max(3_650).default(defaultRules.reportMaxAgeDays),
  /** Names of signers whose VEX is applied; without, that of every trusted signer. */
  vexSigners: z.array(z.string().min(1)).max(64).default([]),
});

const retention = z.strictObject({
  maxAlerts: count.default(defaultStoreBounds.maxAlerts),
  maxAlertAgeDays: z
    .number()
    .positive()
    .default(defaultStoreBounds.maxAlertAgeMs / dayMs),
  maxDatabaseBytes: count.default(defaultStoreBounds.maxDatabaseBytes),
  maxDocumentsBytes: count.default(defaultStoreBounds.maxDocumentsBytes),
});

function toMirror(text: string, context: z.RefinementCtx): Mirror {
  const mirror = parseMirror(text);
  if (!('refused' in mirror)) return mirror;
  context.addIssue({ code: 'custom', message: `"${text}" is no mirror: ${mirror.refused}` });
  return z.NEVER;
}

/** Everything the collector can be told. Unknown keys are errors: a misspelt one would silently not apply. */
export const collectorConfigSchema = z.strictObject({
  /** Directory of the database. */
  dataDir: z.string().min(1),
  /** Name of this cluster in alerts and NATS subjects. */
  cluster: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,63}$/, 'must be letters, digits, _ or -')
    .default('default'),
  uplink: z
    .strictObject({
      listenAddress: address.default('127.0.0.1:4319'),
      /** Plain text beyond loopback: only where something else protects the line. */
      insecure: z.boolean().default(false),
      maxAgents: count.default(1_000),
      maxInboxItems: count.default(50_000),
    })
    .prefault({}),
  http: z
    .strictObject({
      listenAddress: address.default('127.0.0.1:8600'),
      /** Bearer token; required to listen beyond loopback. */
      token: z.string().min(16, 'must have 16 characters or more').optional(),
    })
    .prefault({}),
  nats: nats.optional(),
  otlp: z
    .strictObject({ endpoint: z.string().min(1), headers: z.record(z.string(), z.string()).optional() })
    .optional(),
  /** Policy file; without, the shipped policy applies. */
  policyFile: z.string().min(1).optional(),
  /** Public keys of signers, PEM files. */
  keyFiles: z.array(z.string().min(1)).max(64).default([]),
  /** Registries ("host:port") spoken to without TLS. */
  insecureRegistries: z.array(z.string().min(1)).max(64).default([]),
  /** Registries that may be at private addresses. */
  allowedHosts: z.array(z.string().min(1)).max(256).default([]),
  /** Folder of papers as files, for images whose registry has none or cannot be asked. */
  papersDirectory: z.string().min(1).optional(),
  /** Credentials of registries: files as Kubernetes' pull secrets have them, or folders with one; before Docker's config.json. */
  pullSecrets: z.array(z.string().min(1)).max(64).default([]),
  /** "HOST=MIRROR[/PREFIX]": registries that hold what others do, asked beside them. */
  registryMirrors: z.array(z.string().transform(toMirror)).max(256).default([]),
  /** Folders in the OCI image layout, where papers are looked for as in registries. */
  ociLayouts: z.array(z.string().min(1)).max(64).default([]),
  /** The registries that images name are not asked, only mirrors and layouts. */
  noUpstream: z.boolean().default(false),
  /** Papers of images that run are looked for again after this time at the latest. */
  maxPapersAgeMs: z
    .number()
    .int()
    .min(1_000)
    .default(6 * 60 * 60 * 1000),
  /** How long a finding waits for the papers of its image. */
  papersWaitMs: z.number().int().min(0).max(60_000).default(3_000),
  retention: retention.prefault({}),
  baselines: baselines.prefault({}),
  inventory: inventory.prefault({}),
  vulnerability: vulnerability.prefault({}),
  /** OTLP endpoint for the collector's own traces; not the alerts'. Else OTEL_EXPORTER_OTLP_ENDPOINT, else none. */
  selfTelemetryEndpoint: z.string().min(1).optional(),
});

export type CollectorConfig = z.output<typeof collectorConfigSchema>;
export type CollectorConfigInput = z.input<typeof collectorConfigSchema>;

/** Fills in defaults. Throws CodedError config-invalid that names every wrong key. */
export function parseCollectorConfig(input: unknown): CollectorConfig {
  const parsed = collectorConfigSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'the configuration'}: ${issue.message}`,
  );
  throw new CodedError('config-invalid', `the configuration of the collector is not valid: ${problems.join('; ')}`);
}

export function databaseFile(config: CollectorConfig): string {
  return join(config.dataDir, 'collector.db');
}

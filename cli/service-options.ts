import type { Command } from 'commander';
import { Option } from 'commander';
import type { AgentOptions } from '../agent/config.ts';
import type { Budgets } from '../agent/sensor/budgets.ts';
import type { CollectorConfigInput } from '../collector/config.ts';
import { budgetOption } from './budget-option.ts';
import { CommandError } from './command-error.ts';
import { checkAddress, collect, option, parseCount, parseIntervalMs, parseSpanMs, parseUrl } from './options.ts';
import { defaultBpfObject, shippedRulesFolder } from './paths.ts';

export const defaultDataDir = '/var/lib/tallyman';
export const defaultHttpAddress = '127.0.0.1:8600';

export interface LogOptions {
  logFile?: string;
  logLevel: string;
  verbose?: boolean;
}

export interface CollectorOptions {
  dataDir: string;
  cluster: string;
  http: string;
  httpToken?: string;
  natsUrl?: string;
  natsCreds?: string;
  otlpEndpoint?: string;
  policy?: string;
  cosignKey?: string[];
  insecureRegistry?: string[];
  allowHost?: string[];
  papersDir?: string;
  pullSecret?: string[];
  papersRefresh?: number;
  registryMirror?: string[];
  ociLayout?: string[];
  upstream?: boolean;
  baselineTime?: number;
  baselineContainers?: number;
  baselineStale?: number;
  kevFile?: string;
  epssFile?: string;
  osvDirectory?: string;
  reportMaxAge?: number;
}

export interface AgentCommandOptions extends RuleOptions {
  nodeName?: string;
  procRoot: string;
  cgroupRoot?: string;
  dockerSocket?: string;
  criSocket?: string[];
  bpfObject: string;
  watchedFiles?: string;
  sampleIntervalMs: number;
  reviewAfter: number;
  rootScanInterval: number;
  budget?: Partial<Budgets>;
  syscallPack?: boolean;
}

const repeatable = ' (repeatable)';

/** What `up` and `collector` share. */
export function addCollectorOptions(command: Command): Command {
  return addVulnerabilityOptions(addBaselineOptions(command))
    .addOption(option('--data-dir <dir>', 'where the database and logs are kept').default(defaultDataDir))
    .addOption(option('--cluster <name>', 'name of this cluster in alerts and NATS subjects').default('default'))
    .addOption(
      option('--http <host:port>', 'HTTP API, health and metrics; port 0 takes any free one')
        .default(defaultHttpAddress)
        .argParser(checkAddress),
    )
    .addOption(option('--http-token <token>', 'bearer token of the API; needed to listen beyond loopback'))
    .addOption(
      option('--otlp-endpoint <url>', 'OTLP/HTTP endpoint for traces of alerts, like http://127.0.0.1:4318').argParser(
        parseUrl('http:', 'https:'),
      ),
    )
    .addOption(option('--policy <file>', 'which findings become alerts, and how severe; else the shipped policy'))
    .addOption(
      option(
        '--cosign-key <file>',
        `public key of a signer you trust, PEM${repeatable}`,
        'TALLYMAN_COSIGN_KEYS',
      ).argParser(collect),
    )
    .addOption(
      option(
        '--insecure-registry <host:port>',
        `registry to speak to without TLS${repeatable}`,
        'TALLYMAN_INSECURE_REGISTRIES',
      ).argParser(collect),
    )
    .addOption(
      option(
        '--allow-host <host:port>',
        `registry that may be at a private address${repeatable}`,
        'TALLYMAN_ALLOW_HOSTS',
      ).argParser(collect),
    )
    .addOption(option('--papers-dir <dir>', 'folder of SBOMs, scan reports and attestations as files; watched'))
    .addOption(
      option(
        '--pull-secret <path>',
        `credentials of registries, as Kubernetes' pull secrets have them${repeatable}`,
        'TALLYMAN_PULL_SECRETS',
      ).argParser(collect),
    )
    .addOption(
      option(
        '--registry-mirror <host=mirror>',
        `registry that holds what another one does, like docker.io=mirror.example.org/hub${repeatable}`,
        'TALLYMAN_REGISTRY_MIRRORS',
      ).argParser(collect),
    )
    .addOption(
      option(
        '--oci-layout <dir>',
        `folder in the OCI image layout with images and their papers${repeatable}`,
        'TALLYMAN_OCI_LAYOUTS',
      ).argParser(collect),
    )
    .addOption(
      new Option('--no-upstream', 'ask mirrors and folders of images only, not the registries that images name'),
    )
    .addOption(
      option(
        '--papers-refresh <span>',
        'papers of images that run are looked for again after this time at the latest, 1s or more; else 6h',
      ).argParser(parseSpanMs),
    );
}

function addVulnerabilityOptions(command: Command): Command {
  return command
    .addOption(option('--kev-file <file>', 'CISA’s known exploited vulnerabilities, JSON; read again when it changes'))
    .addOption(option('--epss-file <file>', 'EPSS scores, CSV or CSV.gz; read again when it changes'))
    .addOption(
      option('--osv-directory <dir>', 'OSV advisories (all.zip of each ecosystem, or JSON) to compare packages with'),
    )
    .addOption(
      option('--report-max-age <span>', 'older scan reports never mean "no vulnerabilities"; else 14d').argParser(
        parseSpanMs,
      ),
    );
}

function addBaselineOptions(command: Command): Command {
  return command
    .addOption(
      option(
        '--baseline-time <span>',
        'how long containers must have been watched before their baseline is ready; 1h when not given',
      ).argParser(parseSpanMs),
    )
    .addOption(
      option('--baseline-containers <n>', 'how many containers must have been seen from their start; else 1').argParser(
        parseCount,
      ),
    )
    .addOption(
      option('--baseline-stale <span>', 'a baseline is stale when nothing of it ran for so long; else 30d').argParser(
        parseSpanMs,
      ),
    );
}

/** Where Docker is; `doctor` looks there, too. */
export function dockerSocketOption(): Option {
  return option('--docker-socket <path>', 'socket of the Docker daemon; found by itself when not given');
}

export function criSocketOption(): Option {
  const what = `socket of a CRI runtime (containerd, CRI-O); found by itself when not given${repeatable}`;
  return option('--cri-socket <path>', what, 'TALLYMAN_CRI_SOCKETS').argParser(collect);
}

/** What `up` and `agent` share. */
export function addAgentOptions(command: Command): Command {
  command
    .addOption(option('--node-name <name>', 'name of this node in alerts; else the host name'))
    .addOption(option('--proc-root <dir>', "the host's /proc").default('/proc'))
    .addOption(option('--cgroup-root <dir>', 'the cgroup v2 root; found by itself when not given'))
    .addOption(dockerSocketOption())
    .addOption(criSocketOption())
    .addOption(budgetOption())
    .addOption(option('--watched-files <file>', 'list of the files to watch in containers; else the shipped one'))
    .addOption(
      option('--bpf-object <file>', 'the compiled BPF programs').default(defaultBpfObject, '.build/tallyman.bpf.o'),
    )
    .addOption(
      option(
        '--sample-interval-ms <ms>',
        'pause between samples of running processes (integrity rules), 100 or more; 0: none',
      )
        .default(1_000)
        .argParser(parseIntervalMs),
    );
  addReviewOptions(command);
  command.addOption(
    new Option('--syscall-pack', 'also hook system calls that nothing else sees; `tallyman doctor` says what it costs'),
  );
  return addRuleOptions(command);
}

/** What least privilege is derived from, and when. */
function addReviewOptions(command: Command): void {
  command
    .addOption(
      option(
        '--review-after <span>',
        'how long a container is watched before it is said which capabilities it never used, like 2h or 3d; 0: never',
      )
        .default(86_400_000, '1d')
        .argParser(parseSpanMs),
    )
    .addOption(
      option(
        '--root-scan-interval <span>',
        'how often it is looked where containers wrote in their root file system, 1s or more; 0: never',
      )
        .default(900_000, '15m')
        .argParser(parseSpanMs),
    );
}

export interface RuleOptions {
  rules?: string[];
  shippedRules: boolean;
}

/** Which rules there are. */
export function addRuleOptions(command: Command): Command {
  return command
    .addOption(
      option(
        '--rules <dir>',
        `folder of rules and overrides of your own, beside the shipped rules${repeatable}`,
      ).argParser(collect),
    )
    .addOption(new Option('--no-shipped-rules', 'only the rules of --rules'));
}

/** @throws {CommandError} when no folder is left */
export function ruleFolders(options: RuleOptions): string[] {
  const folders = [...(options.shippedRules ? [shippedRulesFolder] : []), ...(options.rules ?? [])];
  if (folders.length > 0) return folders;
  throw new CommandError('usage', '--no-shipped-rules leaves no rules', { hint: 'name a folder with --rules' });
}

export function addLogOptions(command: Command, fileDescription: string): Command {
  return command
    .addOption(option('--log-file <file>', fileDescription))
    .addOption(
      option('--log-level <level>', 'how much is logged')
        .default('info')
        .choices(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    )
    .addOption(new Option('-v, --verbose', 'log to standard error, debug and up'));
}

export function collectorConfig(options: CollectorOptions): CollectorConfigInput {
  return {
    dataDir: options.dataDir,
    cluster: options.cluster,
    http: { listenAddress: options.http, token: options.httpToken },
    nats: options.natsUrl === undefined ? undefined : { url: options.natsUrl, credsFile: options.natsCreds },
    otlp: options.otlpEndpoint === undefined ? undefined : { endpoint: options.otlpEndpoint },
    policyFile: options.policy,
    keyFiles: options.cosignKey,
    insecureRegistries: options.insecureRegistry,
    allowedHosts: options.allowHost,
    papersDirectory: options.papersDir,
    pullSecrets: options.pullSecret,
    maxPapersAgeMs: options.papersRefresh,
    registryMirrors: options.registryMirror,
    ociLayouts: options.ociLayout,
    noUpstream: options.upstream === false,
    baselines: {
      minObservedMs: options.baselineTime,
      minContainers: options.baselineContainers,
      staleAfterMs: options.baselineStale,
    },
    vulnerability: {
      kevFile: options.kevFile,
      epssFile: options.epssFile,
      osvDirectory: options.osvDirectory,
      reportMaxAgeDays: options.reportMaxAge === undefined ? undefined : options.reportMaxAge / 86_400_000,
    },
  };
}

export function agentConfig(
  options: AgentCommandOptions,
  uplink: { address: string; insecure: boolean },
): AgentOptions {
  return {
    uplinkAddress: uplink.address,
    insecureUplink: uplink.insecure,
    nodeName: options.nodeName,
    procRoot: options.procRoot,
    cgroupRoot: options.cgroupRoot,
    dockerSocket: options.dockerSocket,
    criSockets: options.criSocket,
    rulesDirs: ruleFolders(options),
    bpfObject: options.bpfObject,
    syscallPack: options.syscallPack ?? false,
    watchedFiles: options.watchedFiles,
    sampleIntervalMs: options.sampleIntervalMs,
    reviewAfterMs: options.reviewAfter,
    rootScanIntervalMs: options.rootScanInterval,
    budgets: options.budget,
  };
}

import { escapeDeep } from './escape-deep.ts';
import { at, booleanAt, listAt, numberAt, textAt } from './json-path.ts';
import { labelled } from './labelled.ts';
import { outcome, outcomeOf } from './outcome.ts';
import type { Screen } from './style.ts';
import { dateTime } from './time.ts';

/** The papers of one image, as GET /api/v1/images/:ref answers them. */
export function imagePage(answer: unknown, screen: Screen): string[] {
  const image = escapeDeep(answer);
  return [
    ...line('image', textAt(image, 'reference') ?? 'not named', screen),
    ...line('identity', identityText(at(image, 'identity')), screen),
    ...signatureLines(at(image, 'signature'), screen),
    ...line('provenance', paperText(at(image, 'provenance'), provenanceFacts(image), screen), screen),
    ...line('SBOM', paperText(at(image, 'sbom'), sbomFacts(at(image, 'sbom')), screen), screen),
    ...line('running', runningText(listAt(image, 'containers')), screen),
    ...line('checked', checkedText(image, screen), screen),
  ];
}

const line = (label: string, text: string, screen: Screen): string[] =>
  labelled(label, text, screen, 12).map((shown) => shown.slice(2));

/** The three digests, never mixed up: "index sha256:… → linux/amd64 manifest sha256:… → config sha256:…". */
function identityText(identity: unknown): string {
  const platform = textAt(identity, 'platform');
  const digests = [
    named('index', textAt(identity, 'indexDigest')),
    named(platform === undefined ? 'manifest' : `${platform} manifest`, textAt(identity, 'manifestDigest')),
    named('config', textAt(identity, 'configDigest')),
  ].filter((part) => part !== undefined);
  const repository = textAt(identity, 'repository');
  return [repository, digests.join(' → ')].filter((part) => part).join('  ') || 'not known';
}

function named(what: string, digest: string | undefined): string | undefined {
  return digest === undefined ? undefined : `${what} ${digest}`;
}

/** The outcome for the image, then every signature that was found with its own. */
function signatureLines(signature: unknown, screen: Screen): string[] {
  const records = listAt(signature, 'records').flatMap((record) => {
    const words = [
      outcome(outcomeOf(textAt(record, 'outcome')), screen),
      textAt(record, 'format'),
      textAt(record, 'source'),
      textAt(record, 'reason'),
      ...signerFacts(at(record, 'signer'), screen),
    ];
    return line('', words.filter((word) => word !== undefined).join('  '), screen);
  });
  return [...line('signature', paperText(signature, [], screen), screen), ...records];
}

/** Who a certificate names, and when the signature was logged or stamped. */
function signerFacts(signer: unknown, screen: Screen): string[] {
  const [subject, issuer] = [textAt(signer, 'certificate', 'subject'), textAt(signer, 'certificate', 'issuer')];
  const signedAt = numberAt(signer, 'signedAtUnixMs');
  const verb = textAt(signer, 'logIndex') === undefined ? 'signed' : 'logged';
  return [
    ...(subject === undefined ? [] : [`keyless: ${subject} (issuer ${issuer ?? 'not named'})`]),
    ...(signedAt === undefined ? [] : [`${verb} ${dateTime(signedAt, screen)}`]),
  ];
}

function paperText(paper: unknown, facts: readonly (string | undefined)[], screen: Screen): string {
  const signer = textAt(paper, 'signer', 'name');
  const fingerprint = textAt(paper, 'signer', 'keyFingerprint');
  const signed =
    signer === undefined ? undefined : `signed by ${signer}${fingerprint ? ` (${fingerprint.slice(0, 19)}…)` : ''}`;
  const words = [outcome(outcomeOf(textAt(paper, 'outcome')), screen), textAt(paper, 'reason'), signed, ...facts];
  return words.filter((word) => word !== undefined).join('  ');
}

function provenanceFacts(image: unknown): (string | undefined)[] {
  const source = textAt(image, 'provenance', 'sourceUri');
  const builder = textAt(image, 'provenance', 'builderId');
  return [source && `source ${source}`, builder && `builder ${builder}`];
}

function sbomFacts(sbom: unknown): (string | undefined)[] {
  const count = numberAt(sbom, 'componentCount') ?? 0;
  const generator = textAt(sbom, 'generator');
  const created = textAt(sbom, 'createdAt');
  return [
    count === 0 ? undefined : `${count} packages`,
    textAt(sbom, 'format'),
    generator && `by ${generator}`,
    created && `made ${created}`,
  ];
}

function runningText(containers: readonly unknown[]): string {
  const running = containers.filter((container) => booleanAt(container, 'running') === true);
  if (running.length === 0) return `no container (${containers.length} ended ones are remembered)`;
  const nodes = new Set(running.map((container) => textAt(container, 'nodeName')));
  const names = running.slice(0, 10).map((container) => textAt(container, 'name') ?? '?');
  const more = running.length > names.length ? ` and ${running.length - names.length} more` : '';
  return `${running.length} on ${nodes.size} ${nodes.size === 1 ? 'node' : 'nodes'}: ${names.join(', ')}${more}`;
}

function checkedText(image: unknown, screen: Screen): string {
  const at = Date.parse(textAt(image, 'checkedAt') ?? '');
  const until = Date.parse(textAt(image, 'freshUntil') ?? '');
  if (Number.isNaN(at)) return 'not yet';
  return `${dateTime(at, screen)}${Number.isNaN(until) ? '' : `, again after ${dateTime(until, screen)}`}`;
}

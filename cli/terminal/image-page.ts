import { escapeDeep } from './escape-deep.ts';
import { baseText, placeText } from './image-base.ts';
import { provenanceLines } from './image-provenance.ts';
import { at, booleanAt, listAt, numberAt, textAt } from './json-path.ts';
import { labelled } from './labelled.ts';
import { outcome, outcomeOf } from './outcome.ts';
import { scanText } from './scan-text.ts';
import type { Screen } from './style.ts';
import { ageText, dateTime } from './time.ts';

/** The papers of one image, as GET /api/v1/images/:ref and `tallyman verify` answer them. */
export function imagePage(answer: unknown, screen: Screen): string[] {
  const image = escapeDeep(answer);
  const checkedAt = Date.parse(textAt(image, 'checkedAt') ?? '');
  return [
    ...line('image', textAt(image, 'reference') ?? 'not named', screen),
    ...line('identity', identityText(at(image, 'identity')), screen),
    ...signatureLines(at(image, 'signature'), screen),
    ...rows('provenance', provenanceLines(at(image, 'provenance'), checkedAt, screen), screen),
    ...line('SBOM', paperText(at(image, 'sbom'), sbomFacts(at(image, 'sbom'), checkedAt), screen), screen),
    ...line('scan', paperText(at(image, 'vulnerabilities'), [scanText(at(image, 'vulnerabilities'))], screen), screen),
    ...line('base', baseText(at(image, 'base'), checkedAt, screen), screen),
    ...line('from', placeText(listAt(image, 'place'), screen), screen),
    ...line('running', runningText(at(image, 'containers')), screen),
    ...line('checked', checkedText(image, checkedAt, screen), screen),
    ...rows('verdict', verdictLines(at(image, 'verdict'), screen), screen),
  ];
}

const line = (label: string, text: string, screen: Screen): string[] =>
  labelled(label, text, screen, 12).map((shown) => shown.slice(2));

const rows = (label: string, texts: readonly string[], screen: Screen): string[] =>
  texts.flatMap((text, index) => line(index === 0 ? label : '', text, screen));

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

function sbomFacts(sbom: unknown, nowUnixMs: number): (string | undefined)[] {
  const count = numberAt(sbom, 'componentCount') ?? 0;
  const generator = textAt(sbom, 'generator');
  const created = textAt(sbom, 'createdAt');
  return [
    count === 0 ? undefined : `${count} packages`,
    textAt(sbom, 'format'),
    generator && `by ${generator}`,
    created && `made ${created}${ageText(created, nowUnixMs)}`,
  ];
}

/** Nothing where it was not asked what runs. */
function runningText(list: unknown): string {
  if (!Array.isArray(list)) return '';
  const running = list.filter((container) => booleanAt(container, 'running') === true);
  if (running.length === 0) return `no container (${list.length} ended ones are remembered)`;
  const nodes = new Set(running.map((container) => textAt(container, 'nodeName')));
  const names = running.slice(0, 10).map((container) => textAt(container, 'name') ?? '?');
  const more = running.length > names.length ? ` and ${running.length - names.length} more` : '';
  return `${running.length} on ${nodes.size} ${nodes.size === 1 ? 'node' : 'nodes'}: ${names.join(', ')}${more}`;
}

function checkedText(image: unknown, checkedAt: number, screen: Screen): string {
  if (Number.isNaN(checkedAt)) return 'not yet';
  const until = Date.parse(textAt(image, 'freshUntil') ?? '');
  const again =
    Number.isNaN(until) || at(image, 'verdict') !== undefined ? '' : `, again after ${dateTime(until, screen)}`;
  return `${dateTime(checkedAt, screen)}${again}`;
}

/** What was required and how it came out; only `tallyman verify` asks for it. */
function verdictLines(verdict: unknown, screen: Screen): string[] {
  const word = textAt(verdict, 'outcome');
  if (word === undefined) return [];
  const failed = listAt(verdict, 'required').filter((item) => textAt(item, 'outcome') !== 'verified');
  const names = listAt(verdict, 'required').map((item) => textAt(item, 'name') ?? '?');
  if (word === 'verified') return [screen.paint('good', `✔ everything required is verified: ${names.join(', ')}`)];
  const [tone, text] =
    word === 'unknown' ? (['warn', '? could not look at'] as const) : (['bad', '✘ not verified:'] as const);
  const rest = failed.map((item) => `${textAt(item, 'name')} is ${textAt(item, 'outcome')}`);
  return [screen.paint(tone, `${text} ${rest.join(', ')}`)];
}

import { Command, InvalidArgumentError } from 'commander';
import { exitCodeHelp } from '../exit-codes.ts';
import { collect, jsonOption, option, utcOption } from '../options.ts';
import { print, printJson, printNote, printZone, standardScreen } from '../output.ts';
import { imagePage } from '../terminal/image-page.ts';
import { type Requirable, requirable } from '../verify/requirable.ts';
import type { VerifyOptions } from '../verify/run-verify.ts';

export function verifyCommand(): Command {
  const repeatable = '; may be repeated';
  return new Command('verify')
    .summary('check the papers of an image in its registry; needs no agent and no collector')
    .description(
      'Looks for signatures, provenance, SBOM and base of an image in its registry, checks them as the collector would, and\nsays whether what is required is verified.',
    )
    .argument('<image>', 'reference: a tag or a digest')
    .addOption(
      option('--key <file>', `public key of a signer you trust, PEM${repeatable}`, 'TALLYMAN_COSIGN_KEYS').argParser(
        collect,
      ),
    )
    .addOption(option('--policy <file>', 'what is expected of images; else the shipped policy, which expects nothing'))
    .addOption(
      option(
        '--require <papers>',
        `what has to be verified beside what the policy expects: ${requirable.join(', ')}; else signature`,
      ).argParser(parseRequired),
    )
    .addOption(
      option('--platform <os/arch>', 'of an image for several; else that of this machine').argParser(parsePlatform),
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
    .addOption(jsonOption())
    .addOption(utcOption())
    .addHelpText('after', help)
    .action(verify);
}

const help = `
Examples:
  tallyman verify registry.example.org/app:4.2.1 --key cosign.pub
  tallyman verify registry.example.org/app@sha256:9f3a… --policy policy.yaml --require signature,sbom

Signs: ✔ verified   ✘ invalid: the proof is broken   ▲ untrusted: it holds, and is not what is expected
       – absent: none found   ? unknown: could not look, or nothing is expected
${exitCodeHelp}
  5  something required is not verified: invalid, untrusted or absent
  6  something required could not be looked at, and nothing else failed
`;

interface CommandOptions extends VerifyOptions {
  json?: boolean;
  utc?: boolean;
}

const tellAfterMs = 2_000;

async function verify(image: string, options: CommandOptions): Promise<void> {
  // The agent's image has no collector: what needs it is loaded when it is asked for.
  const [{ verifyImage }, { exitCodeOfVerdict }] = await Promise.all([
    import('../verify/run-verify.ts'),
    import('../verify/verdict.ts'),
  ]);
  const telling = setTimeout(() => printNote(`asking the registry for ${image} …`), tellAfterMs);
  const { answer, verdict } = await verifyImage(image, options).finally(() => clearTimeout(telling));
  process.exitCode = exitCodeOfVerdict(verdict);
  if (options.json) return printJson(answer);
  const screen = standardScreen(options);
  printZone(screen);
  print(...imagePage(answer, screen));
}

function parseRequired(text: string, previous: Requirable[] | undefined): Requirable[] {
  const names = text.split(',').map((name) => requirable.find((known) => known === name.trim().toLowerCase()));
  if (names.includes(undefined)) throw new InvalidArgumentError(`Give some of ${requirable.join(', ')}.`);
  return [...new Set([...(previous ?? []), ...(names as Requirable[])])];
}

function parsePlatform(text: string): string {
  if (/^[a-z0-9]{1,32}\/[a-z0-9_]{1,32}(\/[a-z0-9.]{1,32})?$/.test(text)) return text;
  throw new InvalidArgumentError('Give it like linux/amd64 or linux/arm/v7.');
}

// Writes docs/cli.md from the commands themselves; with --check says whether it is current.
import { readFileSync, writeFileSync } from 'node:fs';
import type { Command, Option } from 'commander';
import { createProgram } from '../cli/program.ts';

const target = 'docs/cli.md';

const head = `# The command

<!-- Written by scripts/generate-cli-doc.ts from cli/: change it there and run \`make generate\`. -->

\`./tallyman COMMAND --help\` says the same on a terminal. Output goes to standard output, everything else to standard error. Colours and
tables cut to the width appear on a terminal only; \`NO_COLOR\` is honoured. Listing commands take \`--json\`: one JSON document per line.

## Exit codes

| code | means |
|---|---|
| 0 | done |
| 1 | failed; for \`doctor\`: containers cannot be watched here |
| 2 | wrong usage |
| 3 | not found |
| 4 | cannot reach the collector or NATS |
`;

function section(command: Command, parent = 'tallyman'): string {
  const name = `${parent} ${command.name()}`;
  if (command.commands.length > 0)
    return [`\n## ${name}\n\n${command.description()}\n`, ...command.commands.map((each) => section(each, name))].join(
      '',
    );

  const args = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}${argument.variadic ? '...' : ''}]`,
  );
  const usage = [name, ...args, '[options]'].join(' ');
  const rows = command.options.filter((option) => !option.hidden).map(optionRow);
  return [
    `\n${'#'.repeat(name.split(' ').length)} ${name}\n`,
    `\`${usage}\`\n`,
    `${command.description()}\n`,
    '| option | means | default | variable |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function optionRow(option: Option): string {
  const standard = option.defaultValueDescription ?? option.defaultValue;
  const choices = option.argChoices === undefined ? '' : `: ${option.argChoices.join(', ')}`;
  const cells = [
    `\`${option.flags}\``,
    option.description + choices,
    standard === undefined ? '' : `\`${standard}\``,
    option.envVar === undefined ? '' : `\`${option.envVar}\``,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

const text =
  head +
  createProgram()
    .commands.map((command) => section(command))
    .join('');
if (process.argv[2] === '--check') {
  if (readFileSync(target, 'utf8') !== text) {
    console.error(`${target} is not what the commands say: run make generate and commit it`);
    process.exitCode = 1;
  }
} else writeFileSync(target, text);

import { Command } from 'commander';
import { version } from '../common/version.ts';
import { agentCommand } from './commands/agent.ts';
import { alertCommand } from './commands/alert.ts';
import { alertsCommand } from './commands/alerts.ts';
import { baselineCommand } from './commands/baseline.ts';
import { collectorCommand } from './commands/collector.ts';
import { containersCommand } from './commands/containers.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { imageCommand } from './commands/image.ts';
import { inventoryCommand } from './commands/inventory.ts';
import { privilegesCommand } from './commands/privileges.ts';
import { recordCommand } from './commands/record.ts';
import { rulesCommand } from './commands/rules.ts';
import { upCommand } from './commands/up.ts';
import { uploadCommand } from './commands/upload.ts';
import { verifyCommand } from './commands/verify.ts';
import { exitCodeHelp } from './exit-codes.ts';

/** The whole command line. Nothing runs before `parseAsync`. */
export function createProgram(): Command {
  const program = new Command('tallyman')
    .description('Watches running containers and reports findings together with the papers of the image.')
    .version(version, '-V, --version')
    .showHelpAfterError('(--help says more)')
    .addHelpText('after', help);
  program.commandsGroup('Run:');
  program.addCommand(upCommand()).addCommand(agentCommand()).addCommand(collectorCommand());
  program.commandsGroup('Ask:');
  program.addCommand(alertsCommand()).addCommand(alertCommand());
  program.addCommand(imageCommand()).addCommand(containersCommand()).addCommand(baselineCommand());
  program.addCommand(privilegesCommand()).addCommand(inventoryCommand()).addCommand(verifyCommand());
  program.addCommand(uploadCommand());
  program.commandsGroup('Rules:');
  program.addCommand(rulesCommand()).addCommand(recordCommand());
  program.commandsGroup('Try:');
  program.addCommand(doctorCommand()).addCommand(demoCommand());
  return program;
}

const help = `
First steps:
  tallyman doctor                what this machine allows
  sudo tallyman up               watch the containers of this machine
  sudo tallyman demo             in a second terminal: a container that misbehaves
  tallyman alerts --follow       in a third: the alerts as they come

Most options can be given as environment variables too; each command's --help names them.
${exitCodeHelp}`;

import { Command } from 'commander';
import { demoSteps } from '../demo/steps.ts';
import { exitCodeHelp } from '../exit-codes.ts';
import { untilInterrupted } from '../interrupt.ts';
import { option } from '../options.ts';
import { print, standardScreen } from '../output.ts';
import { defaultDockerSocket } from '../paths.ts';

export function demoCommand(): Command {
  return new Command('demo')
    .summary('start a harmless container that misbehaves')
    .description(
      'Starts a container that does what attackers do, harmlessly: no network, default rights, removed at the end. Run it beside `tallyman up`.',
    )
    .addOption(option('--docker-socket <path>', 'socket of the Docker daemon').default(defaultDockerSocket))
    .addHelpText('after', exitCodeHelp)
    .action(demo);
}

async function demo(options: { dockerSocket: string }): Promise<void> {
  const { runDemo } = await import('../demo/run-demo.ts');
  const screen = standardScreen();
  const say = (text: string): void => print(screen.paint('dim', `demo: ${text}`));
  const onMarker = (marker: string): void => {
    const index = demoSteps.findIndex((step) => step.marker === marker);
    const step = demoSteps[index];
    if (step === undefined) return;
    print(`${screen.paint('strong', `${index + 1}/${demoSteps.length}`)}  the container ${step.says}`);
    print(screen.paint('dim', `     look for the rule ${step.rule}`));
  };
  print('The alerts appear where `tallyman up` runs, and with `tallyman alerts --follow`.', '');
  await untilInterrupted((signal) => runDemo({ dockerSocket: options.dockerSocket, onMarker, say, signal }));
}

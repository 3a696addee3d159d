import { Command } from 'commander';
import { examine } from '../doctor/examine.ts';
import { doctorReport } from '../doctor/report.ts';
import { exitCodes } from '../exit-codes.ts';
import { jsonOption, option } from '../options.ts';
import { print, printJson, standardScreen } from '../output.ts';
import { defaultBpfObject } from '../paths.ts';
import { criSocketOption, dockerSocketOption } from '../service-options.ts';

interface DoctorOptions {
  json?: boolean;
  problems?: boolean;
  bpfObject: string;
  dockerSocket?: string;
  criSocket?: string[];
  measureSyscallPack?: boolean;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .summary('what this kernel and host allow, and what follows')
    .description(
      'Looks at everything watching containers needs, loads the BPF programs for a moment, and says what follows.',
    )
    .option('--problems', 'only what is not as it should be')
    .option('--measure-syscall-pack', 'time system calls with the syscall pack and without; takes some seconds')
    .addOption(jsonOption())
    .addOption(
      option('--bpf-object <file>', 'the compiled BPF programs').default(defaultBpfObject, '.build/tallyman.bpf.o'),
    )
    .addOption(dockerSocketOption())
    .addOption(criSocketOption())
    .addHelpText('after', help)
    .action((options: DoctorOptions) => doctor(options));
}

const help = `
Signs: ✔ as it should be   ▲ less than it could be   ✘ containers cannot be watched   ? could not look

Exit codes:
  0  containers can be watched here
  1  they cannot
`;

async function doctor(options: DoctorOptions): Promise<void> {
  const verdict = await examine(options);
  if (options.json) printJson(verdict);
  else print(...doctorReport(verdict, standardScreen(), { problemsOnly: options.problems === true }));
  if (!verdict.canWatch) process.exitCode = exitCodes.failure;
}

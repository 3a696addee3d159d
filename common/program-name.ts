/** Binaries that are many programs and choose one by the name they are called by. */
const multiCallBinaries = new Set(['busybox', 'busybox.static', 'busybox-static', 'toybox', 'toybox-static']);

export interface ProgramName {
  /** Base name of the executable; the applet's name for a multi-call binary that was told one. */
  name: string;
  /** Index in argv of the program's first argument. */
  argumentsFrom: number;
}

/**
 * What a person would call a program. Only a multi-call binary may say by argv[0] what it is, because it really is that;
 * any other program could give itself any name there.
 */
export function programName(executablePath: string, argv: readonly string[]): ProgramName {
  const binary = baseName(executablePath);
  return isMultiCall(binary) ? resolveApplet(binary, argv) : { name: binary, argumentsFrom: 1 };
}

/** Whether an executable is many programs, so that its path does not say what it does. */
export function isMultiCall(executablePath: string): boolean {
  return multiCallBinaries.has(baseName(executablePath));
}

/** Last component of a path; the whole text where there is no slash. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** busybox and toybox take the applet from argv[0] without path and login dash; called by their own name, from argv[1]. */
function resolveApplet(binary: string, argv: readonly string[]): ProgramName {
  const limit = Math.min(argv.length, 4);
  for (let index = 0; index < limit; index++) {
    const argument = argv[index] ?? '';
    const name = baseName(index === 0 && argument.startsWith('-') ? argument.slice(1) : argument);
    if (multiCallBinaries.has(name)) continue;
    if (name === '' || name.startsWith('-')) break;
    return { name, argumentsFrom: index + 1 };
  }
  return { name: binary, argumentsFrom: 1 };
}

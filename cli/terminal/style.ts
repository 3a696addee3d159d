import { styleText } from 'node:util';

export type Tone = 'bad' | 'warn' | 'good' | 'dim' | 'strong' | 'accent';

const formats: Record<Tone, Parameters<typeof styleText>[0]> = {
  bad: ['bold', 'red'],
  warn: ['yellow'],
  good: ['green'],
  dim: ['dim'],
  strong: ['bold'],
  accent: ['cyan'],
};

export interface ScreenOptions {
  columns: number;
  colours: boolean;
  /** False for a file or a pipe: nothing is cut to fit then. */
  terminal: boolean;
  utc: boolean;
}

/** How a screen is written: its width in columns, whether it shows colours, and in which zone times are. */
export interface Screen extends Readonly<ScreenOptions> {
  paint(tone: Tone, text: string): string;
}

export function createScreen(options: ScreenOptions): Screen {
  const paint = (tone: Tone, text: string): string =>
    options.colours ? styleText(formats[tone], text, { validateStream: false }) : text;
  return { ...options, paint };
}

/** What is known of a stream before anything is written to it. */
export interface OutputStream {
  isTTY?: boolean;
  columns?: number;
}

/** The screen behind an output stream: plain and 100 columns wide when it is not a terminal. NO_COLOR is honoured. */
export function screenOf(stream: OutputStream, options: { utc?: boolean } = {}): Screen {
  const terminal = stream.isTTY === true;
  const noColour = (process.env.NO_COLOR ?? '') !== '' || process.env.TERM === 'dumb';
  return createScreen({
    columns: Math.max(40, terminal ? (stream.columns ?? 100) : 100),
    colours: terminal && !noColour,
    terminal,
    utc: options.utc === true,
  });
}

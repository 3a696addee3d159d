/** Bytes of a shape; all of it is printable ASCII. */
export const maxShapeLength = 256;
const maxArguments = 64;
const maxOptionLength = 32;
const maxWordLength = 24;

/** Stands for what follows and is left out. */
const more = '<more>';
const kinds: ReadonlySet<string> = new Set([
  ...['<address>', '<empty>', '<id>', '<name>', '<number>', '<option>', '<path>', '<text>', '<url>', '<word>', more],
]);

const option = /^--?[A-Za-z][A-Za-z._-]*/;
const word = /^[A-Za-z][A-Za-z_-]*$/;
const number = /^[+-]?[0-9][0-9.,:]*[A-Za-z%]{0,2}$/;
const url = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const digest = /^([A-Za-z0-9]{2,10}:)?(?=[A-Fa-f]*[0-9])[0-9A-Fa-f]{8,}$/;
const ipv4 = /^[0-9]{1,3}(\.[0-9]{1,3}){3}(:[0-9]+)?$/;
const ipv6 = /^\[?[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,7}\]?(:[0-9]+)?$/;
const printable = /^[!-~]*$/;
const component = /^[A-Za-z0-9._+@-]{1,64}$/;
/** Where names are made up anew each time. */
const temporary = /^\/?(tmp|var\/tmp|dev\/shm|run)$/;

/** What the shape of a command line depends on. */
export interface CommandLine {
  /** Of a multi-call binary the applet's. */
  program: string;
  argv: readonly string[];
  /** Index in argv of the program's first argument. */
  argumentsFrom: number;
  /** There were more arguments than `argv` holds. */
  truncated: boolean;
  /** The script that a shell or interpreter runs as its program; empty when there is none. */
  script: string;
}

/**
 * A command line without what varies from one call to the next: the program's name, options as they are, and in place of
 * values what they are (`<path>`, `<number>`, `<url>`…). Of words without an option the first is kept, as it usually says
 * what the program shall do; a script keeps its path. Any bytes are fine. Applied to its own result it changes nothing.
 */
export function argumentShape({ program, argv, argumentsFrom, truncated, script }: CommandLine): string {
  const shape = new ShapeBuilder(component.test(program) ? program : kindOf(program));
  const end = Math.min(argv.length, argumentsFrom + maxArguments);
  let scriptIsDue = script !== '';
  let firstWordIsDue = true;
  for (let index = argumentsFrom; index < end; index++) {
    const argument = argv[index] ?? '';
    if (scriptIsDue && argument === script) {
      scriptIsDue = false;
      shape.add(scriptShape(script));
      continue;
    }
    const kept = firstWordIsDue && isWord(argument);
    if (kept) firstWordIsDue = false;
    shape.add(kept ? argument : shapeOf(argument));
  }
  if (truncated || argv.length > end) shape.add(more);
  return shape.text;
}

/** Adds words up to the bound; equal kinds in a row count as one. */
class ShapeBuilder {
  text: string;
  #last = '';

  constructor(program: string) {
    this.text = program;
  }

  add(next: string): void {
    if (this.#last === more || (next === this.#last && kinds.has(next))) return;
    const fits = this.text.length + 1 + next.length <= maxShapeLength - 1 - more.length;
    this.#last = fits ? next : more;
    this.text += ` ${this.#last}`;
  }
}

function shapeOf(argument: string): string {
  if (argument === '-' || argument === '--') return argument;
  const name = option.exec(argument)?.[0];
  if (name === undefined) return isWord(argument) ? '<word>' : kindOf(argument);
  if (name.length > maxOptionLength) return '<option>';
  const rest = argument.slice(name.length);
  const assigned = rest.startsWith('=');
  const value = assigned ? rest.slice(1) : rest;
  if (value === '') return argument;
  return `${name}${assigned ? '=' : ''}${isWord(value) ? value : kindOf(value)}`;
}

function isWord(text: string): boolean {
  return text.length <= maxWordLength && word.test(text);
}

function kindOf(value: string): string {
  if (kinds.has(value)) return value;
  if (value === '') return '<empty>';
  // What is this long is no name or number, and is not looked at further.
  if (value.length > 4_096 || !printable.test(value)) return '<text>';
  if (url.test(value)) return '<url>';
  if (ipv4.test(value) || ipv6.test(value)) return '<address>';
  if (uuid.test(value) || digest.test(value)) return '<id>';
  if (number.test(value)) return '<number>';
  return value.includes('/') ? '<path>' : '<name>';
}

/** A script is what the interpreter's program is called: its path is kept but for what looks made up. */
function scriptShape(script: string): string {
  const slash = script.lastIndexOf('/');
  if (temporary.test(script.slice(0, slash))) return `${script.slice(0, slash)}/<name>`;
  const path = script.split('/').map(componentShape).join('/');
  return path.length <= maxShapeLength / 2 ? path : '<path>';
}

function componentShape(text: string): string {
  if (text === '' || kinds.has(text)) return text;
  if (!component.test(text)) return '<text>';
  return uuid.test(text) || digest.test(text) || /[0-9]{5}/.test(text) ? '<id>' : text;
}

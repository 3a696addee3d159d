/**
 * An error that says what, where, why and what to do. `code` is stable and low in cardinality: it labels counters and
 * is what callers switch on; `message` is for people.
 */
export class CodedError<Code extends string = string> extends Error {
  override readonly name: string = 'CodedError';
  readonly code: Code;
  /** What a person can do about it, as one sentence; shown behind the message. */
  readonly hint: string | undefined;

  constructor(code: Code, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** The message of anything that was thrown, with the messages of its causes and the hint of a CodedError. */
export function errorText(thrown: unknown): string {
  const parts: string[] = [];
  let hint: string | undefined;
  for (let error: unknown = thrown, depth = 0; error !== undefined && depth < 5; depth++) {
    const message = error instanceof Error ? error.message : String(error);
    if (message !== '' && !parts.includes(message)) parts.push(message);
    if (error instanceof CodedError && error.hint !== undefined) hint ??= error.hint;
    error = error instanceof Error ? error.cause : undefined;
  }
  return parts.join(': ') + (hint === undefined ? '' : ` (${hint})`);
}

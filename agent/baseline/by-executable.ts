/** Values by the executable they belong to; those of the empty path belong to all. */
export class ByExecutable<T> {
  readonly #values = new Map<string, T>();
  readonly #create: () => T;

  constructor(create: () => T) {
    this.#create = create;
  }

  of(executablePath: string): T {
    const known = this.#values.get(executablePath);
    if (known !== undefined) return known;
    const value = this.#create();
    this.#values.set(executablePath, value);
    return value;
  }

  /** Whether the test holds for the executable's value or that of all; for any value where the executable is not known. */
  some(executablePath: string, test: (value: T) => boolean): boolean {
    if (executablePath === '') return [...this.#values.values()].some(test);
    const own = this.#values.get(executablePath);
    if (own !== undefined && test(own)) return true;
    const everybodys = this.#values.get('');
    return everybodys !== undefined && test(everybodys);
  }
}

import type { Task } from './task-table.ts';

const defaultMaxInits = 20_000;

/**
 * Which containers have their first program already: what is put into them later from outside is an exec session. An
 * init that exits makes room for the next start of the same container.
 */
export class ContainerInits {
  readonly #max: number;
  readonly #byContainer = new Map<string, Task>();
  readonly #containerOf = new Map<Task, string[]>();

  constructor(max: number = defaultMaxInits) {
    this.#max = max;
  }

  has(container: string): boolean {
    return this.#byContainer.has(container);
  }

  note(container: string, task: Task): void {
    const former = this.#byContainer.get(container);
    if (former === task) return;
    if (former !== undefined) this.exited(former);
    this.#byContainer.set(container, task);
    const names = this.#containerOf.get(task);
    if (names === undefined) this.#containerOf.set(task, [container]);
    else names.push(container);
    if (this.#containerOf.size > this.#max) this.#forgetOldest();
  }

  exited(task: Task): void {
    const names = this.#containerOf.get(task);
    if (names === undefined) return;
    this.#containerOf.delete(task);
    for (const name of names) if (this.#byContainer.get(name) === task) this.#byContainer.delete(name);
  }

  #forgetOldest(): void {
    const oldest = this.#containerOf.keys().next();
    if (oldest.done !== true) this.exited(oldest.value);
  }
}

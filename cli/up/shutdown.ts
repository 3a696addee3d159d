import { errorText } from '../../common/errors.ts';

interface Part {
  /** As it is named to the person: "collector", "nats-server". */
  name: string;
  close: () => Promise<void> | void;
}

/** What was started, stopped in the opposite order. A part that fails to stop does not keep the others running. */
export class Shutdown {
  readonly #parts: Part[] = [];
  #done: Promise<string[]> | undefined;

  add(name: string, close: Part['close']): void {
    this.#parts.push({ name, close });
  }

  /** Answers one line for each part. Calling it again waits for the same stop. */
  run(): Promise<string[]> {
    this.#done ??= this.#stopAll();
    return this.#done;
  }

  async #stopAll(): Promise<string[]> {
    const lines: string[] = [];
    for (const part of this.#parts.splice(0).reverse()) {
      try {
        await part.close();
        lines.push(`${part.name} stopped`);
      } catch (thrown) {
        lines.push(`${part.name} did not stop cleanly: ${errorText(thrown)}`);
      }
    }
    return lines;
  }
}

/** Resolves with the signal's name at the first SIGINT or SIGTERM; the second ends the process at once. */
export function stopSignal(onSecond: () => void): Promise<string> {
  return new Promise((resolve) => {
    let signals = 0;
    const receive = (name: string): void => {
      signals++;
      if (signals === 1) resolve(name);
      else onSecond();
    };
    process.on('SIGINT', receive);
    process.on('SIGTERM', receive);
  });
}

import { once } from 'node:events';
import type { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import { docker, type TestContainer } from './docker.ts';
import { eventually } from './eventually.ts';

/** What the agent has told of one container so far. */
export interface Told {
  findings: Finding[];
  /** Marks whose execution was seen, with the exit code they bring. */
  executedMarks: Map<string, string>;
  /** Marks whose deletion was seen as a change of a watched file. */
  deletedMarks: Set<string>;
}

/**
 * A container with a shell that reads commands from standard input. Each script ends with marks: a
 * deletion in a watched directory and an execution. When the agent has told of them, it has told of all that the script
 * did: the kernel keeps the order, in its queue of file events as in the ring buffer.
 */
export class AttackContainer {
  readonly id: string;
  readonly told: Told;
  readonly #container: TestContainer;
  readonly #stdin: NodeJS.WritableStream;
  readonly #writesFiles: boolean;
  #marks = 0;

  private constructor(container: TestContainer, told: Told, stdin: NodeJS.WritableStream, writesFiles: boolean) {
    this.id = container.id;
    this.told = told;
    this.#container = container;
    this.#stdin = stdin;
    this.#writesFiles = writesFiles;
  }

  /** Resolves once the agent tells of its processes, and of its files where its user may change /etc. */
  static async attach(container: TestContainer, told: Told, writesFiles: boolean): Promise<AttackContainer> {
    const stdin = await docker
      .getContainer(container.id)
      .attach({ stream: true, stdin: true, hijack: true, stdout: false, stderr: false });
    const attached = new AttackContainer(container, told, stdin, writesFiles);
    await attached.#untilWatched();
    return attached;
  }

  /** Runs a script, and waits until the agent has told of all of it. @throws when a command of it fails */
  async run(script: string): Promise<void> {
    const mark = await this.#send(`( set -e\n${script}\n) </dev/null`);
    await this.#seen(mark);
    const status = this.told.executedMarks.get(mark);
    if (status !== '0') throw new Error(`the script ended with ${status}: ${await this.output()}\n${script}`);
  }

  /** Does something from outside, such as `exec`, and waits until the agent has told of all of it. */
  async outside(act: () => Promise<unknown>): Promise<void> {
    await act();
    await this.run('');
  }

  /** `docker exec`: the command's output. */
  exec(command: string[]): Promise<string> {
    return this.#container.exec(command);
  }

  /** `docker exec -it`: types the input into a program on a terminal and waits for its end. */
  async terminal(command: string[], input: string): Promise<void> {
    const options = { Cmd: command, Tty: true, AttachStdin: true, AttachStdout: true };
    const exec = await docker.getContainer(this.id).exec(options);
    const stream = await exec.start({ hijack: true, stdin: true });
    stream.resume();
    stream.write(input);
    await once(stream, 'end');
  }

  async output(): Promise<string> {
    const logs = await docker.getContainer(this.id).logs({ stdout: true, stderr: true });
    return logs.toString('latin1').replace(/[^\n -~]/g, '');
  }

  async #untilWatched(): Promise<void> {
    const before = this.#marks;
    await eventually(async () => {
      const mark = await this.#send('true');
      await new Promise((resolve) => setTimeout(resolve, 20));
      const seen = [...Array(this.#marks - before)].some((_, at) => this.#isSeen(`mark-${before + at}`));
      if (!seen) throw new Error(`nothing was told of ${mark} in container ${this.id}`);
    });
  }

  async #send(commands: string): Promise<string> {
    const mark = `mark-${this.#marks++}`;
    const fileMark = this.#writesFiles ? `/bin/touch /etc/${mark}; /bin/rm /etc/${mark}; ` : '';
    const text = `${commands}\nstatus=$?; ${fileMark}/bin/true ${mark} $status\n`;
    await new Promise<void>((resolve, reject) => {
      this.#stdin.write(text, (error) => (error ? reject(error) : resolve()));
    });
    return mark;
  }

  async #seen(mark: string): Promise<void> {
    await eventually(() => {
      if (!this.#isSeen(mark)) throw new Error(`nothing was told of ${mark} in container ${this.id}`);
    }).catch(async (error: unknown) => {
      throw new Error(`${error}: ${await this.output()}`);
    });
  }

  #isSeen(mark: string): boolean {
    return this.told.executedMarks.has(mark) && (!this.#writesFiles || this.told.deletedMarks.has(mark));
  }
}

import { growingLru } from '../../common/lru.ts';
import type { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import type { ExecutionEnded } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { WallClock } from '../detect/attributed-event.ts';
import type { ProcessExecution } from '../process/process.ts';

const maxRemembered = 65_536;

/** The executions that findings told of and that still ran then: the end of each is reported as well, once. */
export class ReportedExecutions {
  readonly #clock: WallClock;
  readonly #running = growingLru<string, string>(maxRemembered);

  constructor(clock: WallClock) {
    this.#clock = clock;
  }

  reported(finding: Finding): void {
    for (const execution of finding.processes)
      if (execution.endUnixNs === 0n) this.#running.set(execution.executionId, finding.container?.id ?? '');
  }

  /** What to send when an execution has ended; undefined when no finding told of it. */
  ended(execution: ProcessExecution): ExecutionEnded | undefined {
    const containerId = this.#running.get(execution.executionId);
    if (containerId === undefined || execution.endKtimeNs === undefined) return undefined;
    this.#running.delete(execution.executionId);
    return {
      containerId,
      executionId: execution.executionId,
      endUnixNs: this.#clock.unixNs(execution.endKtimeNs),
      exitCode: execution.exitCode ?? 0,
      exitSignal: execution.exitSignal ?? 0,
      coreDumped: execution.coreDumped ?? false,
    };
  }
}

import { growingLru } from '../../common/lru.ts';
import type { Observation } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { AttributedEvent, WallClock } from '../detect/attributed-event.ts';

const maxRemembered = 131_072;

/** Turns events into observations: facts about a container, each sent once for as long as it is remembered. */
export class Observations {
  readonly #clock: WallClock;
  readonly #seen = growingLru<string, true>(maxRemembered);

  constructor(clock: WallClock) {
    this.#clock = clock;
  }

  /** Undefined when the fact has been reported before, or the event holds none. */
  observe({ event, container, execution }: AttributedEvent): Observation | undefined {
    const fact = factOf(event, execution?.executable.path ?? '');
    if (fact === undefined) return undefined;
    const key = `${container.id} ${fact.$case} ${Object.values(fact.value).join(' ')}`;
    if (this.#seen.has(key)) return undefined;
    this.#seen.set(key, true);
    return { containerId: container.id, firstSeenUnixNs: this.#clock.unixNs(event.ktimeNs), fact };
  }
}

function factOf(event: AttributedEvent['event'], executablePath: string): NonNullable<Observation['fact']> | undefined {
  switch (event.kind) {
    case 'exec':
      return { $case: 'executed', value: { executablePath: event.executable.path } };
    case 'capability': {
      const { capabilityName, syscallName, granted, isInitialUserNamespace: initialUserNamespace } = event;
      return {
        $case: 'capabilityUsed',
        value: { capabilityName, syscallName, granted, executablePath, initialUserNamespace },
      };
    }
    case 'namespace':
      return {
        $case: 'namespaceChanged',
        value: { executablePath, changed: [...event.changed], toHost: [...event.toHost] },
      };
    case 'connect':
      return {
        $case: 'connected',
        value: { transport: event.transport, remoteAddress: event.remoteAddress, remotePort: event.remotePort },
      };
    case 'file': {
      const { operation, path, category } = event;
      return { $case: 'fileChanged', value: { operation, path, category, executablePath } };
    }
    case 'syscall':
    case 'tcp':
    case 'integrity':
      return undefined;
  }
}

import { growingLru } from '../../common/lru.ts';
import type { Observation } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { AttributedEvent, WallClock } from '../detect/attributed-event.ts';
import { networkFactOf } from './network-facts.ts';

const maxRemembered = 131_072;
const maxContainers = 4_096;
/** Names reported of one container: a program can ask for any number of names that it makes up. */
const maxNames = 1_000;

/** Turns events into observations: facts about a container, each sent once for as long as it is remembered. */
export class Observations {
  readonly #clock: WallClock;
  readonly #seen = growingLru<string, true>(maxRemembered);
  readonly #names = growingLru<string, number>(maxContainers);

  constructor(clock: WallClock) {
    this.#clock = clock;
  }

  /** Undefined when the fact has been reported before, or the event holds none. */
  observe({ event, container, execution }: AttributedEvent): Observation | undefined {
    const fact = factOf(event, execution?.executable.path ?? '');
    if (fact === undefined) return undefined;
    const key = `${container.id} ${fact.$case} ${Object.values(fact.value).join(' ')}`;
    if (this.#seen.has(key)) return undefined;
    if (fact.$case === 'resolved' && !this.#hasRoomForName(container.id)) return undefined;
    this.#seen.set(key, true);
    return { containerId: container.id, firstSeenUnixNs: this.#clock.unixNs(event.ktimeNs), fact };
  }

  #hasRoomForName(containerId: string): boolean {
    const names = this.#names.get(containerId) ?? 0;
    if (names >= maxNames) return false;
    this.#names.set(containerId, names + 1);
    return true;
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
    case 'file': {
      const { operation, path, category } = event;
      return { $case: 'fileChanged', value: { operation, path, category, executablePath } };
    }
    case 'syscall':
    case 'integrity':
      return undefined;
    default:
      return networkFactOf(event);
  }
}

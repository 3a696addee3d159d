import type { Metrics } from '../../common/metrics.ts';
import type { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';
import type { Loss } from '../container/loss-windows.ts';
import type { WallClock } from '../detect/attributed-event.ts';

export interface LossLogOptions {
  clock: WallClock;
  /** CLOCK_BOOTTIME. */
  nowKtimeNs: () => bigint;
  /** What goes upstream. */
  onGap: (gap: Gap) => void;
  metrics: Metrics;
  /** A loss that has not happened again for so long is over. Default 5 s. */
  quietMs?: number;
  /** While a loss goes on, it is told again after so long. Default 30 s. */
  repeatMs?: number;
  /** Losses that go on at once; what is beyond is told as one loss of the node. Default 1024. */
  maxEpisodes?: number;
}

/** A loss as it is shown to people: one line for each container, hop, type and reason. */
export interface LossEpisode extends Loss {
  ongoing: boolean;
}

interface Episode {
  loss: Loss;
  untold: bigint;
  toldAtKtimeNs: bigint;
}

const maxRecent = 256;
const beyond = { hop: 'several', type: 'several', reason: 'several', containerId: undefined };
const beyondKey = keyOf(beyond);

function keyOf({ hop, type, reason, containerId }: Pick<Loss, 'hop' | 'type' | 'reason' | 'containerId'>): string {
  return JSON.stringify([hop, type, reason, containerId ?? null]);
}

/**
 * Every loss of the agent, wherever it happened. The first of a kind is told upstream at once; while it goes on, only now and
 * then; when it is over, once more. The counts of these gaps add up to what was lost.
 */
export class LossLog {
  readonly #options: LossLogOptions;
  readonly #quietNs: bigint;
  readonly #repeatNs: bigint;
  readonly #episodes = new Map<string, Episode>();
  /** Episodes that are over, the newest last. */
  readonly #recent: Loss[] = [];
  readonly #counter;

  constructor(options: LossLogOptions) {
    this.#options = options;
    this.#quietNs = BigInt(options.quietMs ?? 5_000) * 1_000_000n;
    this.#repeatNs = BigInt(options.repeatMs ?? 30_000) * 1_000_000n;
    this.#counter = options.metrics.counter('losses_total', 'What was lost, by where and what', ['hop', 'type']);
  }

  note(loss: Loss): void {
    // Without the reason, which may name a place.
    this.#counter.inc({ hop: loss.hop, type: loss.type }, Number(loss.count));
    const isFull = this.#episodes.size >= (this.#options.maxEpisodes ?? 1024);
    const known = this.#episodes.get(keyOf(loss)) ?? (isFull ? this.#episodes.get(beyondKey) : undefined);
    if (known !== undefined) {
      known.loss.count += loss.count;
      known.untold += loss.count;
      if (loss.fromKtimeNs < known.loss.fromKtimeNs) known.loss.fromKtimeNs = loss.fromKtimeNs;
      if (loss.toKtimeNs > known.loss.toKtimeNs) known.loss.toKtimeNs = loss.toKtimeNs;
      return;
    }
    const episode = { loss: isFull ? { ...loss, ...beyond } : { ...loss }, untold: loss.count, toldAtKtimeNs: 0n };
    this.#episodes.set(keyOf(episode.loss), episode);
    this.#tell(episode, true);
  }

  /** To be called every second or so: tells what goes on and what is over. */
  tick(): void {
    const now = this.#options.nowKtimeNs();
    for (const [key, episode] of this.#episodes) {
      if (now - episode.loss.toKtimeNs >= this.#quietNs) this.#end(key, episode);
      else if (episode.untold > 0n && now - episode.toldAtKtimeNs >= this.#repeatNs) this.#tell(episode, true);
    }
  }

  /** Tells all that has not been told, as over. */
  close(): void {
    for (const [key, episode] of this.#episodes) this.#end(key, episode);
  }

  /** Newest first: what goes on, then what is over. */
  list(): LossEpisode[] {
    const ongoing = [...this.#episodes.values()].map(({ loss }) => ({ ...loss, ongoing: true }));
    const over = this.#recent.map((loss) => ({ ...loss, ongoing: false }));
    return [...over, ...ongoing].reverse();
  }

  #end(key: string, episode: Episode): void {
    this.#episodes.delete(key);
    this.#tell(episode, false);
    this.#recent.push(episode.loss);
    if (this.#recent.length > maxRecent) this.#recent.shift();
  }

  #tell(episode: Episode, ongoing: boolean): void {
    const { clock, onGap, nowKtimeNs } = this.#options;
    const { hop, type, reason, containerId, fromKtimeNs, toKtimeNs } = episode.loss;
    onGap({
      ...{ hop, type, reason, count: episode.untold, ongoing, totalCount: episode.loss.count },
      // Both by the distance of the clocks now: a step of the wall clock in between does not turn the window round.
      fromUnixNs: clock.unixNs(fromKtimeNs),
      toUnixNs: clock.unixNs(toKtimeNs),
      containerIds: containerId === undefined ? [] : [containerId],
    });
    episode.untold = 0n;
    episode.toldAtKtimeNs = nowKtimeNs();
  }
}

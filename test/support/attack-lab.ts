import { join } from 'node:path';
import type { AttributedEvent } from '../../agent/detect/attributed-event.ts';
import { loadRules } from '../../agent/detect/rule-loader.ts';
import type { Finding } from '../../proto/generated/tallyman/v1/finding.ts';
import { AttackContainer, type Told } from './attack-container.ts';
import { attackImage, buildAttackImage } from './attack-image.ts';
import type { ContainerOptions, Scenario, Steps } from './attack-scenario.ts';
import { removeImage } from './busybox-image.ts';
import { docker, runContainer } from './docker.ts';
import { eventually } from './eventually.ts';
import { WholeAgent } from './whole-agent.ts';

export const shippedRules = join(import.meta.dirname, '../../agent/rules');

/** A whole agent, and containers in which scenarios take place, side by side. */
export class AttackLab {
  readonly #told = new Map<string, Told>();
  readonly #sampledRules = new Set(
    loadRules([shippedRules]).flatMap((rule) => (rule.source.on.includes('integrity') ? [rule.id] : [])),
  );

  readonly #whole = new WholeAgent({
    sampleIntervalMs: 100,
    onEvent: (event) => this.#onEvent(event),
    onFinding: (finding) => this.#of(finding.container?.id ?? '').findings.push(finding),
  });

  /** @throws where the sensor cannot run: nothing is skipped */
  static async open(): Promise<AttackLab> {
    await buildAttackImage();
    const lab = new AttackLab();
    await lab.#whole.agent.start();
    return lab;
  }

  async close(): Promise<void> {
    await this.#whole.agent.close(0);
    await removeImage(attackImage);
  }

  /** The near-miss, of which the rule must say nothing, then the attack; the finding. */
  async play(rule: string, scenario: Scenario): Promise<Finding> {
    const { attack, nearMiss, nearMissContainer, container } = scenario;
    if (nearMissContainer !== undefined) {
      await this.#inside(nearMissContainer, (inside) => this.#checkQuiet(rule, inside, nearMiss));
      if (container?.createOnly) return this.#created(rule, container);
    }
    return this.#inside(container ?? {}, async (inside) => {
      if (nearMissContainer === undefined) await this.#checkQuiet(rule, inside, nearMiss);
      await act(inside, attack);
      return this.#finding(rule, inside.id, () => inside.output());
    });
  }

  async #checkQuiet(rule: string, inside: AttackContainer, nearMiss: Steps): Promise<void> {
    await act(inside, nearMiss);
    if (this.#sampledRules.has(rule)) await this.#sampledAnew();
    const finding = this.#of(inside.id).findings.find((each) => each.ruleId === rule);
    if (finding !== undefined) throw new Error(`the near-miss was reported: ${finding.summary}`);
  }

  /** Three samples end after now, so that two have begun after now: some changes are told when two have seen them. */
  async #sampledAnew(): Promise<void> {
    const before = await this.#whole.metric('samples_total');
    await eventually(async () => {
      if ((await this.#whole.metric('samples_total')) < before + 3) throw new Error('no samples are taken');
    });
  }

  async #created(rule: string, options: ContainerOptions): Promise<Finding> {
    const created = await docker.createContainer({
      ...{ Image: attackImage, Cmd: ['/bin/true'] },
      HostConfig: { NetworkMode: 'none', Privileged: options.privileged ?? false },
    });
    try {
      return await this.#finding(rule, created.id);
    } finally {
      await created.remove({ force: true });
    }
  }

  async #inside<T>(options: ContainerOptions, use: (inside: AttackContainer) => Promise<T>): Promise<T> {
    const { createOnly: _, asEntrypoint = false, ...runOptions } = options;
    const command = asEntrypoint ? ['/bin/sh', '-c', '. /dev/stdin'] : ['/bin/server', '/bin/sh'];
    const started = await runContainer({ ...runOptions, image: attackImage, command, openStdin: true });
    try {
      const writesFiles = options.user === undefined || options.user === 'root';
      return await use(await AttackContainer.attach(started, this.#of(started.id), writesFiles));
    } finally {
      await started.remove();
    }
  }

  async #finding(rule: string, containerId: string, output?: () => Promise<string>): Promise<Finding> {
    const { findings } = this.#of(containerId);
    return eventually(() => {
      const found = findings.find((finding) => finding.ruleId === rule);
      if (found === undefined) throw new Error(`${rule} said nothing`);
      return found;
    }).catch(async (error: unknown) => {
      const others = findings.map((finding) => finding.ruleId).join(', ');
      throw new Error(`${error}; findings: ${others || 'none'}; output: ${(await output?.()) ?? 'none'}`);
    });
  }

  #onEvent({ event, container, execution }: AttributedEvent): void {
    const told = this.#of(container.id);
    const [, mark, status] = execution?.argv ?? [];
    if (event.kind === 'exec' && mark?.startsWith('mark-')) told.executedMarks.set(mark, status ?? '');
    if (event.kind === 'file' && event.operation === 'delete' && event.path.startsWith('/etc/mark-'))
      told.deletedMarks.add(event.path.slice('/etc/'.length));
  }

  #of(containerId: string): Told {
    const told = this.#told.get(containerId) ?? { findings: [], executedMarks: new Map(), deletedMarks: new Set() };
    this.#told.set(containerId, told);
    return told;
  }
}

async function act(inside: AttackContainer, steps: Steps): Promise<void> {
  if (typeof steps === 'string') await inside.run(steps);
  else await inside.outside(() => steps(inside));
}

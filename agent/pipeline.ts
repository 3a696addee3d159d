import type { Metrics } from '../common/metrics.ts';
import type { Finding } from '../proto/generated/tallyman/v1/finding.ts';
import type { FindingRepeats, Observation } from '../proto/generated/tallyman/v1/uplink.ts';
import { type Container, ContainerState } from './container/container.ts';
import type { AttributedEvent } from './detect/attributed-event.ts';
import type { AwaitedEvents } from './detect/awaited-events.ts';
import type { Detector } from './detect/detector.ts';
import type { Observations } from './observe/observations.ts';
import type { ReportedExecutions } from './observe/reported-executions.ts';
import type { PrivilegeWatch } from './privileges/privilege-watch.ts';
import type { ProcessExecution } from './process/process.ts';
import type { UplinkSender } from './uplink/sender.ts';

export interface PipelineStages {
  detector: Detector;
  observations: Observations;
  reported: ReportedExecutions;
  awaited: AwaitedEvents;
  uplink: UplinkSender;
  metrics: Metrics;
  /** Sees every event as well. */
  privileges: Pick<PrivilegeWatch, 'onEvent'>;
  /** A container's first program runs: its files can be watched from now on. */
  watchFiles: (containerId: string, initPid: number) => void;
}

/**
 * What happens to events once it is known who did what. Before it: ring buffer → sensor (decode) → attributor (container,
 * process). After it: the uplink's bounded queue. Nothing here waits or buffers.
 */
export interface Pipeline {
  onAttributed(event: AttributedEvent): void;
  onContainer(container: Container): void;
  /** A fact that no single event tells. */
  onObservation(observation: Observation): void;
  /** What can be said of a container only after it has been watched for a while. */
  onReviewed(container: Container): void;
  onExecutionEnded(execution: ProcessExecution): void;
  /** The collector has told a baseline, or another one: what happened before it came is judged. */
  onBaseline(key: string): void;
  /** Sends how often findings have come again: what is due, or all before the end. */
  tellRepeats(which: 'due' | 'all'): void;
}

export function createPipeline(stages: PipelineStages): Pipeline {
  const { detector, observations, reported, awaited, uplink, metrics, watchFiles, privileges } = stages;
  const observed = metrics.counter('observations_total', 'Facts reported, by kind', ['kind']);

  function report(finding: Finding): void {
    reported.reported(finding);
    uplink.send({ $case: 'finding', value: finding });
  }

  function observe(observation: Observation): void {
    observed.inc({ kind: observation.fact?.$case ?? 'unknown' });
    uplink.send({ $case: 'observation', value: observation });
  }

  function tell(repeats: readonly FindingRepeats[]): void {
    for (const value of repeats) uplink.send({ $case: 'findingRepeats', value });
  }

  return {
    onAttributed(event) {
      if (event.event.kind === 'exec' && event.execution?.entry === 'container-init')
        watchFiles(event.container.id, event.execution.pid);
      for (const finding of detector.onEvent(event)) report(finding);
      privileges.onEvent(event);
      const observation = observations.observe(event);
      if (observation === undefined) return;
      awaited.hold(event);
      observe(observation);
    },
    onObservation: observe,
    onReviewed(container) {
      for (const finding of detector.onContainer(container)) report(finding);
    },
    onContainer(container) {
      uplink.send({ $case: 'containerUpdate', value: { container } });
      for (const finding of detector.onContainer(container)) report(finding);
      if (container.state === ContainerState.EXITED) tell(detector.repeats({ containerId: container.id }));
    },
    onExecutionEnded(execution) {
      const ended = reported.ended(execution);
      if (ended !== undefined) uplink.send({ $case: 'executionEnded', value: ended });
    },
    onBaseline(key) {
      for (const event of awaited.take(key)) for (const finding of detector.onBaseline(event)) report(finding);
    },
    tellRepeats: (which) => tell(detector.repeats(which)),
  };
}

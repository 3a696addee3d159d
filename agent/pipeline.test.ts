import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { baselineKeyOf } from '../common/baseline-key.ts';
import { silentLogger } from '../common/logger.ts';
import { Metrics } from '../common/metrics.ts';
import { Baseline, BaselineState } from '../proto/generated/tallyman/v1/baseline.ts';
import type { Finding } from '../proto/generated/tallyman/v1/finding.ts';
import { BaselineStore } from './baseline/baseline-store.ts';
import type { AttributedEvent } from './detect/attributed-event.ts';
import { AwaitedEvents } from './detect/awaited-events.ts';
import { createDetector } from './detect/detector.ts';
import { eventOfExample } from './detect/example-event.ts';
import type { ProcessExample } from './detect/rule-example.ts';
import { Observations } from './observe/observations.ts';
import { ReportedExecutions } from './observe/reported-executions.ts';
import { createPipeline } from './pipeline.ts';

const clock = { unixNs: (ktimeNs: bigint) => ktimeNs };
const server: ProcessExample = { executable: { path: '/usr/bin/node' }, entry: 'container-init' };
const shell = execOf({ executable: { path: '/usr/bin/dash' }, argv: ['sh', '-c', 'id'], parent: server });

function execOf(process: ProcessExample): AttributedEvent {
  return eventOfExample({ on: 'exec', process });
}

/** The stages from attributed events to what goes upstream. */
function stages() {
  const parts = { logger: silentLogger, metrics: new Metrics('agent') };
  const findings: Finding[] = [];
  const baselines = new BaselineStore({ ...parts, onChanged: (key) => pipeline.onBaseline(key) });
  const pipeline = createPipeline({
    detector: createDetector({ ...parts, rulesDirs: [path.join(import.meta.dirname, 'rules')], baselines, clock }),
    observations: new Observations({ clock }),
    reported: new ReportedExecutions(clock),
    awaited: new AwaitedEvents({ ...parts, store: baselines, nowKtimeNs: () => shell.event.ktimeNs }),
    uplink: {
      send: (item) => {
        if (item.$case === 'finding') findings.push(item.value);
        return true;
      },
    },
    metrics: parts.metrics,
    privileges: { onEvent: () => undefined },
    watchFiles: () => undefined,
  });
  const tell = (change: Parameters<typeof Baseline.fromPartial>[0]): void => {
    const answer = baselineKeyOf(shell.container);
    const baseline = Baseline.fromPartial({ ...('key' in answer ? answer : {}), ...change });
    baselines.update({ baselines: [baseline], removed: [] });
  };
  const found = (): string[] => findings.splice(0).map(({ ruleId }) => ruleId);
  return { pipeline, tell, findings, found };
}

const executables = [{ path: '/usr/bin/node', parentPath: '' }];
const ready = { state: BaselineState.READY, version: 'v1', executables };

describe('baselines', () => {
  it('that are not there make nothing unexpected, and apply to what happened before they came', () => {
    const { pipeline, tell, findings, found } = stages();
    pipeline.onAttributed(execOf(server));
    pipeline.onAttributed(shell);
    expect(findings).toEqual([]);
    tell(ready);
    expect(findings).toMatchObject([
      {
        ruleId: 'exec-unexpected',
        summary: '/usr/bin/dash was executed by node (root), which web does not do according to its baseline: sh -c id',
        event: { kind: 'exec', ktimeNs: shell.event.ktimeNs },
        fields: { 'baseline.executable': 'unexpected', 'baseline.state': 'ready', 'baseline.version': 'v1' },
      },
    ]);
    findings.length = 0;
    tell({ ...ready, version: 'v2' });
    expect(found()).toEqual([]);
  });

  it('apply to the next event when they change', () => {
    const { pipeline, tell, found } = stages();
    const other = (name: string): AttributedEvent =>
      execOf({ executable: { path: `/usr/bin/${name}` }, parent: server });
    tell({ ...ready, state: BaselineState.LEARNING });
    pipeline.onAttributed(other('a'));
    expect(found()).toEqual([]);
    tell(ready);
    pipeline.onAttributed(other('a'));
    expect(found()).toEqual(['exec-unexpected']);
    tell({ ...ready, executables: [...executables, { path: '/usr/bin/b', parentPath: '/usr/bin/node' }] });
    pipeline.onAttributed(other('b'));
    expect(found()).toEqual([]);
    tell({ ...ready, state: BaselineState.INCOMPLETE });
    pipeline.onAttributed(other('c'));
    expect(found()).toEqual([]);
    tell({ ...ready, state: BaselineState.INCOMPLETE, frozen: true });
    pipeline.onAttributed(other('c'));
    expect(found()).toEqual(['exec-unexpected']);
  });

  it('speak of destinations, ports and capabilities with their program', () => {
    const { pipeline, tell, findings } = stages();
    tell({
      ...ready,
      destinations: [{ transport: 'tcp', address: '10.0.0.7', port: 5432, executablePath: '/usr/bin/node' }],
      listens: [{ transport: 'tcp', port: 80, executablePath: '/usr/bin/node' }],
      capabilities: [{ capabilityName: 'CAP_NET_BIND_SERVICE', executablePath: '/usr/bin/node' }],
    });
    const granted = { syscallName: 'bind', granted: true };
    const addresses = { remoteAddress: '10.0.0.7', remotePort: 5432 };
    const listening = { state: 'listening', localAddress: '0.0.0.0' } as const;
    for (const process of [server, { executable: { path: '/usr/bin/perl' }, parent: server }]) {
      pipeline.onAttributed(eventOfExample({ on: 'connect', event: addresses, process }));
      pipeline.onAttributed(eventOfExample({ on: 'tcp', event: { ...listening, localPort: 80 }, process }));
      const event = { capabilityName: 'CAP_NET_BIND_SERVICE', ...granted };
      pipeline.onAttributed(eventOfExample({ on: 'capability', event, process }));
    }
    expect(findings.map(({ ruleId, summary }) => `${ruleId}: ${summary.split(',', 1)[0]}`)).toEqual([
      'net-unexpected-egress: perl (root) turned to 10.0.0.7',
      'net-unexpected-listen: perl (root) listens on 0.0.0.0',
      'cap-unexpected: perl (root) used CAP_NET_BIND_SERVICE in bind(2)',
    ]);
  });
});

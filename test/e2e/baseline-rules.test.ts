import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Agent, createAgent } from '../../agent/agent.ts';
import { silentLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { BaselineState } from '../../proto/generated/tallyman/v1/baseline.ts';
import { type Finding, Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import { ProcessEntry } from '../../proto/generated/tallyman/v1/process.ts';
import { buildTestImage, docker, type RunOptions, runContainer } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { type BaselineContent, TellingCollector } from '../support/telling-collector.ts';

/** Of its own, so that its containers have workloads of their own. */
const image = 'tallyman-baseline-test:latest';
const name = `baseline-web-${process.pid}`;
const collector = new TellingCollector();
let agent: Agent;

/** What the container under test normally does. "id" is not in it. */
const content: BaselineContent = {
  state: BaselineState.READY,
  version: 'first',
  executables: [
    { path: '/bin/busybox', parentPath: '', argumentShapes: ['sh *'] },
    { path: '/bin/busybox', parentPath: '/bin/busybox', argumentShapes: ['sleep <number>', 'true'] },
    { path: '/bin/actor', parentPath: '/bin/busybox' },
    { path: '/bin/privilege', parentPath: '/bin/busybox' },
  ],
  destinations: [{ transport: 'tcp', address: '10.0.0.0/8', port: 5432, executablePath: '/bin/actor' }],
  listens: [{ transport: 'tcp', port: 8080, executablePath: '/bin/actor' }],
  capabilities: [{ capabilityName: 'CAP_NET_RAW', executablePath: '/bin/privilege' }],
};

beforeAll(async () => {
  await buildTestImage(image);
  const uplinkAddress = await collector.start();
  agent = createAgent({ uplinkAddress }, { logger: silentLogger, metrics: new Metrics('agent') });
  await agent.start();
  await eventually(() => expect(agent.status().uplinkConnected).toBe(true));
});

afterAll(async () => {
  await agent?.close(0);
  collector.close();
  await docker.getImage(image).remove({ force: true });
});

/** Findings by baseline of a container that runs a script; `last` is what the script does last and is found for. */
async function findingsOf(script: string, last: string, options: Partial<RunOptions> = {}): Promise<Finding[]> {
  const container = await runContainer({ name, image, command: ['sh', '-c', script], ...options });
  try {
    await container.wait();
    return await eventually(() => {
      const findings = collector.findingsOf(container.id);
      expect(findings.map(({ ruleId }) => ruleId)).toContain(last);
      return findings.filter(({ ruleId }) => ruleId.includes('unexpected'));
    });
  } finally {
    await container.remove();
  }
}

/** A program that was not in the image is found without any baseline: what came before has been judged by then. */
const drift = 'cat /bin/busybox > /tmp/x; chmod +x /tmp/x; /tmp/x true';

describe('a container whose baseline is ready', () => {
  beforeAll(() => collector.decide(name, content));

  it('may do what it always does, and nothing is said', async () => {
    const usual = '/bin/true; sleep 0; actor connect 10.1.2.3 5432; actor listen 8080; privilege raw';
    const findings = await findingsOf(`${usual}; /bin/id`, 'exec-unexpected');
    expect(findings.map(({ summary }) => summary)).toEqual([
      `/bin/busybox was executed by sh (root), which ${name} does not do according to its baseline: /bin/id`,
    ]);
    expect(findings[0]).toMatchObject({
      ...{ ruleId: 'exec-unexpected', severity: Severity.MEDIUM },
      fields: { 'baseline.executable': 'unexpected', 'baseline.state': 'ready', 'baseline.version': 'first' },
    });
    expect(findings[0]?.processes.map(({ argv }) => argv[0])).toEqual(['/bin/id', 'sh']);
  });

  it('is reported for another destination, another port and another capability, with their evidence', async () => {
    const unusual = 'actor connect 203.0.113.9 4444; actor connect 10.1.2.3 22; actor listen 9999; privilege chroot';
    const findings = await findingsOf(`${unusual}; /bin/id`, 'exec-unexpected');
    const network = { transport: 'tcp', remoteAddress: '203.0.113.9', remotePort: 4444 };
    expect(findings.map(({ ruleId, event }) => ({ ruleId, evidence: event?.evidence }))).toMatchObject([
      { ruleId: 'net-unexpected-egress', evidence: { $case: 'network', value: network } },
      { ruleId: 'net-unexpected-egress', evidence: { value: { remoteAddress: '10.1.2.3', remotePort: 22 } } },
      { ruleId: 'net-unexpected-listen', evidence: { value: { localPort: 9999, state: 'listening' } } },
      { ruleId: 'cap-unexpected', evidence: { $case: 'capability', value: { capabilityName: 'CAP_SYS_CHROOT' } } },
      { ruleId: 'exec-unexpected' },
    ]);
    for (const finding of findings) expect(finding.processes.length).toBeGreaterThan(0);
  });

  it('is not blamed for what somebody does in it from outside', async () => {
    const container = await runContainer({ name, image, command: ['sh', '-c', 'sleep 1; sleep 1; /bin/id'] });
    await container.exec(['sh', '-c', '/bin/id; actor connect 203.0.113.9 4444; actor listen 9999; /bin/true']);
    await container.wait();
    const unexpected = (): Finding[] =>
      collector.findingsOf(container.id).filter(({ ruleId }) => ruleId.includes('unexpected'));
    await eventually(() => expect(unexpected()).toHaveLength(1));
    await container.remove();
    // What the session executed would have been the first of its kind.
    expect(unexpected()[0]).toMatchObject({ ruleId: 'exec-unexpected' });
    expect(unexpected()[0]?.processes.at(-1)?.entry).toBe(ProcessEntry.CONTAINER_INIT);
  });

  it('is judged anew at once when its baseline changes', async () => {
    const id = { path: '/bin/busybox', parentPath: '/bin/busybox', argumentShapes: ['id'] };
    const command = ['sh', '-c', 'trap /bin/id USR1; trap /bin/nslookup USR2; while :; do sleep 0; sleep 0.1; done'];
    collector.decide(name, { ...content, version: 'second', executables: [...(content?.executables ?? []), id] });
    const container = await runContainer({ name, image, command });
    const signal = (which: string): Promise<unknown> => docker.getContainer(container.id).kill({ signal: which });
    const versions = (): string[] =>
      collector.findingsOf(container.id).flatMap(({ fields }) => fields['baseline.version'] ?? []);
    await signal('SIGUSR1');
    await signal('SIGUSR2');
    // "nslookup" came after "id", of which nothing is said.
    await eventually(() => expect(versions()).toEqual(['second']));
    collector.decide(name, { ...content, version: 'third' });
    await eventually(async () => {
      await signal('SIGUSR1');
      expect(versions()).toEqual(['second', 'third']);
    });
    await container.remove();
  });
});

describe('a container of which no baseline is ready', () => {
  it.each<[string, BaselineContent | undefined]>([
    ['because none has been told', undefined],
    ['because it is being learned', { ...content, state: BaselineState.LEARNING }],
    ['because something was not seen', { ...content, state: BaselineState.INCOMPLETE, reason: 'records were lost' }],
    ['because it is refused', { ...content, destinations: [{ transport: 'tcp', address: 'nowhere' }] }],
  ])('is not called unexpected, %s', async (_why, told) => {
    const other = `baseline-other-${process.pid}-${Math.random().toString(36).slice(2)}`;
    if (told !== undefined) collector.decide(other, told);
    const unusual = `/bin/id; actor connect 203.0.113.9 4444; actor listen 9999; privilege chroot; ${drift}`;
    expect(await findingsOf(unusual, 'exec-drift', { name: other })).toEqual([]);
  });

  it('is judged by a frozen one, and not about programs that are still being learned', async () => {
    const frozen = { ...content, state: BaselineState.STALE, frozen: true, openPaths: ['/bin/privilege'] };
    const other = `baseline-frozen-${process.pid}`;
    collector.decide(other, frozen);
    const findings = await findingsOf('privilege chroot; actor listen 9999; /bin/id', 'exec-unexpected', {
      name: other,
    });
    expect(findings.map(({ ruleId }) => ruleId)).toEqual(['net-unexpected-listen', 'exec-unexpected']);
  });
});

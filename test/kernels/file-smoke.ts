import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { FileEvent } from '../../agent/decode/kernel-event.ts';
import { FileWatch } from '../../agent/files/file-watch.ts';
import { loadWatchList } from '../../agent/files/watch-list.ts';
import { createProcessTree } from '../../agent/process/process-tree.ts';
import { Sensor } from '../../agent/sensor/sensor.ts';
import { createLogger } from '../../common/logger.ts';
import { Metrics } from '../../common/metrics.ts';
import { Container } from '../../proto/generated/tallyman/v1/container.ts';
import { cgroupRoot, runContainer } from './guest-container.ts';

export interface FileOutcome {
  /** How fanotify tells which file it was, or why there is no group. */
  way: string;
  check: string;
  error?: string;
}

/** Time for the marks before, and for looking at what was made after; the guest is emulated. */
const script = [
  'sleep 3',
  '/bin/cat /etc/shadow',
  'echo x > /etc/cron.d/job',
  '/bin/cat /opt/unwatched 2>/dev/null; /bin/cat /etc/group > /scratch/copy',
  '/bin/chmod 4755 /tmp/file',
  'sleep 2',
  '/bin/rm /etc/cron.d/job',
  'sleep 2',
].join('; ');

/** Watches the files of a container by the real programs and groups, and compares with what it did. */
export async function checkFiles(): Promise<FileOutcome[]> {
  const told: { event: FileEvent; argv: readonly string[] }[] = [];
  const [logger, metrics] = [createLogger({ level: 'info' }), new Metrics('agent')];
  const tree = createProcessTree({ bootId: '01234567', maxProcesses: 1000, procRoot: '/proc', logger, metrics });
  const sensor = new Sensor({
    ...{ objectPath: '/tallyman.bpf.o', procRoot: '/proc', cgroupRoot, ringBytes: 1024 * 1024, logger, metrics },
    onEvent: (event) => {
      if (event.kind === 'fork') tree.onFork(event);
      if (event.kind === 'exit') tree.onExit(event);
      if (event.kind === 'exec') tree.onExec(event, containerId);
      if (event.kind === 'exec' && event.fromOutside) watch.watch(containerId, event.pid);
    },
  });
  let containerId = '';
  const watch: FileWatch = new FileWatch({
    ...{ list: loadWatchList(join(import.meta.dirname, '../../agent/files/watched.yaml')), tree, procRoot: '/proc' },
    ...{ logger, metrics, onGap: () => undefined },
    container: (id) => Container.fromPartial({ id, cgroupId: 1n }),
    drainSensor: () => sensor.drain(),
    onEvent: (event) => told.push({ event, argv: tree.find(event.pid, event.startKtimeNs)?.argv ?? [] }),
  });
  try {
    sensor.start();
    watch.start();
    await runContainer(script, (id) => {
      containerId = id;
    });
    return verify(watch.way ?? 'not watched', told);
  } finally {
    watch.close();
    sensor.close();
  }
}

function verify(way: string, told: readonly { event: FileEvent; argv: readonly string[] }[]): FileOutcome[] {
  const facts = told.map(({ event, argv }) => `${argv[0] ?? 'unknown'} ${event.operation} ${event.path}`);
  const namesBy = (program: string): string => (way === 'identities' ? program : 'unknown');
  const expected: [string, string][] = [
    ['a sensitive file is read', '/bin/cat read /etc/shadow'],
    ['a job is planted', `${namesBy('/bin/sh')} create /etc/cron.d/job`],
    ['a job is written', '/bin/sh write /etc/cron.d/job'],
    ['a program becomes setuid', `${namesBy('/bin/chmod')} chmod /tmp/file`],
    ['a job is deleted', `${namesBy('/bin/rm')} delete /etc/cron.d/job`],
  ];
  const outcomes = expected.map(([check, fact]) =>
    outcomeOf(way, check, () => assert.ok(facts.includes(fact), said(fact, facts))),
  );
  const others = facts.filter((fact) => !expected.some(([, each]) => each.endsWith(fact.slice(fact.indexOf('/', 1)))));
  const quiet = (): void =>
    assert.ok(!others.some((fact) => /unwatched|group|copy/.test(fact)), said('nothing else', facts));
  return [...outcomes, outcomeOf(way, 'other files are not told', quiet)];
}

function said(expected: string, facts: readonly string[]): string {
  return `expected "${expected}", told was: ${facts.join('; ')}`;
}

function outcomeOf(way: string, check: string, verifyIt: () => void): FileOutcome {
  try {
    verifyIt();
    return { way, check };
  } catch (error) {
    return { way, check, error: error instanceof Error ? error.message : String(error) };
  }
}

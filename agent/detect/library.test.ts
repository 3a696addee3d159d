import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { Severity } from '../../proto/generated/tallyman/v1/finding.ts';
import { RuleEngine } from './engine.ts';
import type { EventKind } from './field-catalog.ts';
import { isPrintable, readPath, resolvePath } from './field-path.ts';
import { fieldEvidence } from './finding.ts';
import type { ProcessExample } from './rule-example.ts';
import { loadRules } from './rule-loader.ts';
import { scopeOfExample, testRule } from './rule-test.ts';
import { scopeOfEvent } from './scope.ts';
import { capabilityEvent, connectEvent, execEvent, fileEvent, tcpEvent } from './test-events.ts';

const rules = loadRules([path.join(import.meta.dirname, '../rules')]);

const token = '/run/secrets/kubernetes.io/serviceaccount/token';
const ordinaryFileEvents = [
  fileEvent({
    event: { operation: 'read', path: token, category: 'service-account-token' },
    process: { executable: { path: '/manager' } },
  }),
  fileEvent({ event: { operation: 'rename', path: '/etc/hosts', target: '/etc/hosts.new' } }),
  fileEvent({ event: { operation: 'write', path: '/etc/nginx.conf' }, process: { executable: { path: '/bin/sh' } } }),
  fileEvent({ event: { operation: 'write', path: '/tmp/plugin.so', category: 'scratch', mode: '755' } }),
  fileEvent({ event: { operation: 'create', path: '/usr/local/bin/tool', category: 'program', mode: '755' } }),
  fileEvent({ event: { operation: 'rename', path: '/var/log/app.log.1', category: 'log' } }),
  fileEvent({
    event: { operation: 'read', path: '/root/.aws/credentials', category: 'cloud-credential' },
    process: { executable: { path: '/usr/bin/python3.12' }, argv: ['python3', '/app/main.py'] },
  }),
];

const init = { executable: { path: '/usr/bin/bash' }, argv: ['bash', '/docker-entrypoint.sh'] };
const postgres = { executable: { path: '/usr/lib/postgresql/16/bin/postgres' }, parent: init };
const shellOf = (parent: ProcessExample, command: string) =>
  execEvent({ process: { executable: { path: '/usr/bin/dash' }, argv: ['sh', '-c', command], parent } });
const fromEntrypoint = (path: string, ...argv: string[]) =>
  execEvent({ process: { executable: { path }, argv, parent: { ...init, entry: 'container-init' } } });
const healthCheck = (command: string) =>
  execEvent({
    process: { executable: { path: '/usr/bin/bash' }, argv: ['bash', '-c', command], entry: 'exec-session' },
  });
/** What images do that are in use everywhere. */
const ordinaryExecutions = [
  shellOf(postgres, 'locale -a'),
  shellOf(postgres, 'cp pg_wal/0000000100000000000000A1 /archive/0000000100000000000000A1'),
  shellOf(
    { executable: { path: '/usr/sbin/cron' }, argv: ['cron', '-f'] },
    'cd / && run-parts --report /etc/cron.hourly',
  ),
  shellOf({ executable: { path: '/usr/local/bin/node' }, argv: ['node', 'server.js'] }, 'git rev-parse HEAD'),
  fromEntrypoint(
    '/usr/bin/find',
    'find',
    '/var/lib/redis',
    '!',
    '-user',
    'redis',
    '-exec',
    'chown',
    'redis',
    '{}',
    '+',
  ),
  fromEntrypoint('/usr/bin/grep', 'grep', '-q', 'password', '/etc/app.conf'),
  fromEntrypoint('/usr/bin/id', 'id', '-u'),
  fromEntrypoint('/usr/sbin/usermod', 'usermod', '-u', '1001', 'app'),
  fromEntrypoint('/usr/bin/base64', 'base64', '-d'),
  fromEntrypoint('/usr/bin/setpriv', 'setpriv', '--reuid', 'redis', 'redis-server'),
  healthCheck("exec 3<>/dev/tcp/localhost/9000; echo -e 'GET /health HTTP/1.1' >&3; cat <&3 | grep UP"),
  healthCheck('curl -fsS http://localhost/health | grep -q ok'),
  execEvent({
    process: {
      executable: { path: '/usr/bin/python3.11' },
      argv: ['python3', '-c', 'import socket; socket.create_connection(("db", 5432))'],
    },
  }),
  execEvent({
    process: {
      executable: { path: '/usr/bin/wget' },
      argv: ['wget', '-q', '--spider', 'http://localhost/'],
      entry: 'exec-session',
    },
  }),
];

/** The fields that stand in a condition, as its text has them: the longest paths that are values. */
function fieldsIn(when: string, kind: EventKind): string[] {
  const withoutTexts = when.replace(/'[^']*'|"[^"]*"/g, "''");
  return [...withoutTexts.matchAll(/\b(?:event|process|container)(?:\.\w+)+/g)].flatMap(([text]) => {
    for (let path = text; path.includes('.'); path = path.slice(0, path.lastIndexOf('.'))) {
      const resolved = resolvePath(kind, path);
      if (resolved.ok && isPrintable(resolved.path.type)) return [path];
    }
    return [];
  });
}

describe('the rule library', () => {
  it.each(rules.flatMap((rule) => testRule(rule)).map((result) => [result.ruleId, result.name, result.reason]))(
    '%s: %s',
    (_rule, _name, reason) => {
      expect(reason).toBe('');
    },
  );

  it.each(rules.map((rule) => [rule.id, rule] as const))('%s is complete', (id, rule) => {
    expect(path.basename(rule.file)).toBe(`${id}.yaml`);
    expect(rule.tests.filter((test) => test.match).length, 'tests that match').toBeGreaterThan(0);
    expect(rule.tests.filter((test) => !test.match).length, 'near misses').toBeGreaterThan(0);
    expect(
      rule.tests.some((test) => test.summary !== undefined),
      'a test of the sentence',
    ).toBe(true);
    expect(rule.falsePositives.length).toBeGreaterThan(0);
    expect(rule.mitre.length).toBeGreaterThan(0);
    const programs = rule.programs.map((program) => program.key.length);
    if (rule.source.on[0] !== 'posture') expect(Math.min(...programs), 'key').toBeGreaterThan(0);
  });

  it.each(rules.map((rule) => [rule.id, rule] as const))(
    '%s tells with its findings every field it looked at',
    (_id, rule) => {
      for (const program of rule.programs) {
        const told = new Set(program.evidence.map((field) => field.text));
        for (const field of fieldsIn(rule.source.when, program.kind)) expect(told, field).toContain(field);
        for (const example of rule.tests.filter((test) => test.match && (test.on ?? program.kind) === program.kind)) {
          const scope = scopeOfExample(program.kind, example);
          const fields = fieldEvidence(program, scope);
          const present = program.evidence.filter((field) => readPath(scope, field.segments) !== undefined);
          expect(Object.keys(fields).sort()).toEqual(present.map((field) => field.text).sort());
          expect(JSON.stringify(fields)).not.toContain('[object');
        }
      }
    },
  );

  it('is not misled by names, and not by how many processes an attack is split over', () => {
    const engine = new RuleEngine(rules, { logger: silentLogger, maxRuleErrors: 1 });
    const ids = (process: ProcessExample) =>
      engine.match(scopeOfEvent(execEvent({ process }))).map((program) => program.rule.id);
    for (const name of ['runc', 'dpkg', 'nginx', 'docker-init', 'tini', 'kworker/0:1']) {
      const dropped = { comm: name, argv: [name], filename: `/usr/bin/${name}` };
      expect(ids({ ...dropped, executable: { path: `/usr/bin/${name}`, layer: 'writable' } }), name).toContain(
        'exec-drift',
      );
    }
    let chain: ProcessExample = { executable: { path: '/usr/sbin/nginx' }, entry: 'container-init' };
    for (let depth = 0; depth < 70; depth++)
      chain = { executable: { path: '/usr/bin/dash' }, argv: ['sh'], parent: chain };
    expect(ids({ executable: { path: '/tmp/x', layer: 'tmpfs' }, parent: chain })).toContain('exec-drift');
    const health = { executable: { path: '/usr/bin/dash' }, argv: ['sh', '-c', 'x'], entry: 'exec-session' as const };
    const scope = scopeOfEvent(
      execEvent({
        process: { executable: { path: '/tmp/x', layer: 'writable' }, parent: health },
        container: { healthCheckCommand: ['sh', '-c', 'x'] },
      }),
    );
    expect(engine.match(scope).map((program) => program.rule.id)).toContain('exec-drift');
  });

  it('finds a rule whose test fails', () => {
    const [rule] = rules;
    if (rule === undefined) throw new Error('no rules');
    const inverted = {
      ...rule,
      tests: rule.tests.map((test) => ({ ...test, match: !test.match, summary: undefined })),
    };
    expect(testRule(inverted).every((result) => !result.ok)).toBe(true);
    const wrong = { ...rule, tests: rule.tests.map((test) => ({ ...test, summary: 'something else' })) };
    expect(testRule(wrong).every((result) => result.reason.startsWith('its summary is: '))).toBe(true);
  });

  it('is quiet on what ordinary containers do', () => {
    const engine = new RuleEngine(rules, { logger: silentLogger, maxRuleErrors: 1 });
    const init = { executable: { path: '/usr/local/bin/docker-entrypoint.sh' } };
    const denied = (capabilityName: string, syscallName: string) =>
      capabilityEvent({
        event: { capabilityName, syscallName, granted: false },
        process: { credentials: { uid: 999 } },
      });
    const ordinary = [
      execEvent({ process: { executable: { path: '/bin/busybox' }, argv: ['ls', '-la'], entry: 'container-init' } }),
      execEvent({
        process: { executable: { path: '/bin/busybox' }, argv: ['sh'], hasTty: true, entry: 'container-init' },
      }),
      execEvent({
        process: { executable: { path: '/usr/sbin/nginx' }, argv: ['nginx', '-g', 'daemon off;'], parent: init },
      }),
      execEvent({
        process: {
          executable: { path: '/usr/lib/postgresql/16/bin/postgres' },
          credentials: { uid: 999 },
          parent: init,
        },
      }),
      execEvent({ process: { executable: { path: '/usr/bin/pg_isready' }, entry: 'exec-session' } }),
      execEvent({
        process: {
          executable: { path: '/usr/bin/dash' },
          argv: ['sh', '-c', 'curl -f localhost'],
          entry: 'exec-session',
        },
      }),
      execEvent({ process: { executable: { path: '/usr/bin/bash' }, argv: ['bash', '/entrypoint.sh'], parent: init } }),
      execEvent({
        process: { executable: { path: '/usr/bin/node' }, stdioSockets: [{ fd: 0, family: 'unix' }], parent: init },
      }),
      ...['openat', 'newfstatat', 'access', 'chdir'].flatMap((name) => [
        denied('CAP_DAC_OVERRIDE', name),
        denied('CAP_DAC_READ_SEARCH', name),
      ]),
      denied('CAP_FOWNER', 'fchmodat'),
      denied('CAP_SYS_RESOURCE', 'prlimit64'),
      denied('CAP_SYS_NICE', 'sched_setscheduler'),
      denied('CAP_SETPCAP', 'prctl'),
      denied('CAP_NET_BIND_SERVICE', 'bind'),
      denied('CAP_NET_RAW', 'socket'),
      denied('CAP_SETUID', 'setuid'),
      denied('CAP_KILL', 'kill'),
      denied('CAP_IPC_LOCK', 'mlock'),
      denied('CAP_CHOWN', 'fchownat'),
      ...['CAP_CHOWN', 'CAP_SETUID', 'CAP_SETGID', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_KILL', 'CAP_NET_RAW'].map(
        (capabilityName) => capabilityEvent({ event: { capabilityName, syscallName: 'setuid', granted: true } }),
      ),
      connectEvent({ event: { remoteAddress: '10.96.0.1', remotePort: 443 } }),
      connectEvent({ event: { remoteAddress: '169.254.169.253', remotePort: 53, transport: 'udp' } }),
      tcpEvent({ event: { state: 'listening', localPort: 80 } }),
      ...ordinaryFileEvents,
      ...ordinaryExecutions,
    ];
    for (const input of ordinary) {
      const matched = engine
        .match(scopeOfEvent(input))
        .filter(({ rule }) => rule.severity > Severity.INFO)
        .map(({ rule }) => rule.id);
      expect(matched, JSON.stringify([input.event.kind, input.execution?.argv])).toEqual([]);
    }
  });
});

import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { RuleEngine, type RuleState } from './engine.ts';
import { baselinesOfExample } from './example-baseline.ts';
import type { Rule } from './rule.ts';
import { parseRuleText } from './rule-loader.ts';
import { scopeOfContainer, scopeOfEvent } from './scope.ts';
import { capabilityEvent, connectEvent, execEvent, tcpEvent, testContainer } from './test-events.ts';

function rule(id: string, on: string, when: string, more = ''): Rule {
  const head = `id: ${id}\ntitle: T\ndescription: D\nseverity: low\non: ${on}\nsummary: S\nremediation: R\n`;
  return parseRuleText(`${head}when: |-\n  ${when}\n${more}`, `${id}.yaml`);
}

function harness(rules: Rule[], maxRuleErrors = 3) {
  const lines: { level: number; msg: string; ruleId: string }[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const failed: string[] = [];
  const excepted: string[] = [];
  const engine = new RuleEngine(rules, {
    logger,
    maxRuleErrors,
    onRuleError: (broken) => failed.push(broken.id),
    onExcepted: (of, exception) => excepted.push(`${of.id}/${exception}`),
  });
  return { engine, lines, failed, excepted };
}

function matches(condition: string, on: string, scope = scopeOfEvent(execEvent())): boolean {
  return harness([rule('one', on, condition)]).engine.match(scope).length === 1;
}

describe('conditions', () => {
  const example = execEvent({
    process: {
      executable: { path: '/tmp/x', layer: 'writable', inode: 99 },
      argv: ['x', '-i'],
      credentials: { uid: 0, gid: 4_294_967_295 },
      capabilities: { effective: ['CAP_NET_RAW', 'CAP_BPF'] },
      parent: { executable: { path: '/bin/bash' } },
    },
    container: { labels: { team: 'shop', constructor: 'x' } },
  });
  it.each([
    'process.credentials.uid == 0',
    'process.credentials.gid == 4294967295',
    'process.pid > 39 && process.pid in [40, 41]',
    'process.executable.inode == 99',
    `process.argv[1] == '-i' && size(process.argv) == 2`,
    `'CAP_BPF' in process.capabilities.effective`,
    `!('CAP_SYS_ADMIN' in process.capabilities.effective)`,
    `process.parent.program == 'bash' && process.parent.isShell`,
    'size(process.ancestors) == 1 && !has(process.parent.parent)',
    `container.labels.team == 'shop'`,
    `container.image.repository == 'registry.example/shop/web'`,
    `event.kind == 'exec'`,
    `process.executable.path == '/tmp/x' || 1 / 0 == 1`,
  ])('%s', (condition) => {
    expect(matches(condition, 'exec', scopeOfEvent(example))).toBe(true);
  });

  it('sees the fields of each kind of event', () => {
    const connection = scopeOfEvent(connectEvent({ event: { remoteAddress: '10.1.2.3', remotePort: 80 } }));
    expect(matches(`event.remotePort == 80 && event.remoteScope == 'private'`, 'connect', connection)).toBe(true);
    const listening = scopeOfEvent(tcpEvent({ event: { state: 'listening', localPort: 4444 } }));
    expect(
      matches(`event.state == 'listening' && event.localPort > 1024 && event.remoteAddress == ''`, 'tcp', listening),
    ).toBe(true);
    const denied = scopeOfEvent(capabilityEvent({ event: { capabilityName: 'CAP_BPF', granted: false } }));
    expect(matches(`event.capability == 39 && !event.granted`, 'capability', denied)).toBe(true);
    const posture = scopeOfContainer(testContainer({ posture: { addedCapabilities: ['CAP_BPF'] } }));
    expect(matches(`size(container.posture.addedCapabilities) == 1`, 'posture', posture)).toBe(true);
  });

  it.each([
    [`process.program == 'x'`, capabilityEvent({ process: null })],
    [`process.program != 'x'`, capabilityEvent({ process: null })],
    [`!process.isShell`, capabilityEvent({ process: null })],
    [`process.argv[9] != 'x'`, capabilityEvent()],
    [`container.labels.none != 'x'`, capabilityEvent()],
    [`container.labels.toString != 'x'`, capabilityEvent()],
    [`!container.posture.privileged`, capabilityEvent({ container: { posture: { unknownFields: ['privileged'] } } })],
    [`process.parent.isShell`, capabilityEvent()],
  ])('neither matches nor fails where a field is absent: %s', (condition, input) => {
    const { engine, failed } = harness([rule('one', 'capability', condition)]);
    expect(engine.match(scopeOfEvent(input))).toEqual([]);
    expect(failed).toEqual([]);
  });

  it('takes an execution from the exec record when the process tree has none', () => {
    const input = {
      ...execEvent({ process: { executable: { path: '/tmp/x', layer: 'writable' }, entry: 'exec-session' } }),
      execution: undefined,
    };
    expect(
      matches(`process.executable.layer == 'writable' && process.entry == 'exec-session'`, 'exec', scopeOfEvent(input)),
    ).toBe(true);
  });
});

describe('RuleEngine', () => {
  it('evaluates a rule for the kinds of events it names only', () => {
    const { engine } = harness([
      rule('both', '[connect, tcp]', 'event.remotePort == 443'),
      rule('exec', 'exec', 'true'),
    ]);
    const ids = (input: Parameters<typeof scopeOfEvent>[0]) =>
      engine.match(scopeOfEvent(input)).map((program) => program.rule.id);
    expect([ids(connectEvent()), ids(tcpEvent()), ids(execEvent()), ids(capabilityEvent())]).toEqual([
      ['both'],
      ['both'],
      ['exec'],
      [],
    ]);
  });

  it('counts the failures of a rule, quarantines it, says so once, and goes on with the others', () => {
    const { engine, lines, failed } = harness([
      rule('broken', 'exec', '1 / (process.pid - 40) == 1'),
      rule('fine', 'exec', 'true'),
    ]);
    for (let index = 0; index < 10; index++) {
      expect(engine.match(scopeOfEvent(execEvent())).map((program) => program.rule.id)).toEqual(['fine']);
    }
    expect(failed).toEqual(['broken', 'broken', 'broken']);
    expect(engine.stateOf('broken')).toBe<RuleState>('quarantined');
    expect(engine.errorsOf('broken')).toBe(3);
    expect(engine.stateOf('fine')).toBe<RuleState>('active');
    expect(lines.map(({ level, ruleId }) => [level, ruleId])).toEqual([
      [40, 'broken'],
      [50, 'broken'],
    ]);
  });

  it('quarantines a rule that takes too long again and again, and goes on with the others', () => {
    let nowMs = 0;
    const lines: string[] = [];
    const logger = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
    const rules = [rule('slow', 'exec', 'process.isShell'), rule('quick', 'exec', 'process.isShell')];
    let reads = 0;
    // Every second and third reading of a timed event are those around the first rule's end.
    const engine = new RuleEngine(rules, {
      logger,
      maxRuleErrors: 3,
      nowMs: () => (nowMs += reads++ % 4 === 1 ? 6 : 1),
    });
    const scope = scopeOfEvent(execEvent({ process: { executable: { path: '/bin/sh' } } }));
    for (let i = 0; i < 64 * 8 - 1; i++) expect(engine.match(scope)).toHaveLength(2);
    expect(engine.stateOf('slow')).toBe('active');
    engine.match(scope);
    expect(engine.stateOf('slow')).toBe('quarantined');
    expect(engine.match(scope).map((program) => program.rule.id)).toEqual(['quick']);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/takes too long/);
  });

  it('forgives what was slow once, as a machine that pauses makes it', () => {
    let reads = 0;
    let nowMs = 0;
    const engine = new RuleEngine([rule('one', 'exec', 'process.isShell')], {
      logger: pino({ level: 'silent' }),
      maxRuleErrors: 3,
      // Slow seven times, then quick once.
      nowMs: () => (nowMs += reads++ % 16 < 14 && reads % 2 === 0 ? 50 : 0),
    });
    const scope = scopeOfEvent(execEvent());
    for (let i = 0; i < 64 * 100; i++) engine.match(scope);
    expect(engine.stateOf('one')).toBe('active');
  });

  it('evaluates a rule that requires a baseline only where one is ready', () => {
    const rules = [rule('learned', 'exec', 'true', 'baseline: required\n'), rule('any', 'exec', 'true')];
    const { engine } = harness(rules);
    const idsIn = (state: 'ready' | 'stale' | undefined, needingBaseline = false): string[] => {
      const baselines = baselinesOfExample(state === undefined ? undefined : { state });
      return engine
        .match(scopeOfEvent(execEvent(), undefined, baselines), { needingBaseline })
        .map((program) => program.rule.id);
    };
    expect([idsIn(undefined), idsIn('stale'), idsIn('ready')]).toEqual([['any'], ['any'], ['learned', 'any']]);
    expect([idsIn(undefined, true), idsIn('ready', true)]).toEqual([[], ['learned']]);
    expect(engine.stateOf('learned')).toBe<RuleState>('inactive');
    const ready = new RuleEngine(rules, {
      logger: pino({ level: 'silent' }),
      maxRuleErrors: 3,
      hasReadyBaseline: () => true,
    });
    expect([ready.stateOf('learned'), ready.stateOf('any')]).toEqual(['active', 'active']);
  });

  it.each([
    ['==', '"/usr/bin/app"', true],
    ['==', '"/usr/bin/ap"', false],
    ['!=', '"/usr/bin/ls"', true],
    ['in', '[/bin/x, /usr/bin/app]', true],
    ['startsWith', '/usr/bin/', true],
    ['endsWith', '/app', true],
    ['contains', 'bin', true],
    ['matches', '"/usr/bin/[a-z]+"', true],
    ['matches', 'bin', false],
  ])('exception: path %s %s', (comparator, value, isExcepted) => {
    const exception = `exceptions:\n  - name: known\n    fields: [process.executable.path, process.credentials.uid]\n    comparators: ["${comparator}", "=="]\n    values: [[${value}, 1], [${value}, 0]]\n`;
    const { engine, excepted } = harness([rule('one', 'exec', 'true', exception)]);
    expect(engine.match(scopeOfEvent(execEvent()))).toHaveLength(isExcepted ? 0 : 1);
    expect(excepted).toEqual(isExcepted ? ['one/known'] : []);
    expect(engine.match(scopeOfEvent(execEvent({ process: { credentials: { uid: 7 } } })))).toHaveLength(1);
  });

  it('applies no exception to an absent field', () => {
    const exception =
      'exceptions:\n  - { name: known, fields: [process.program], comparators: ["!="], values: [[x]] }\n';
    const { engine } = harness([rule('one', 'connect', 'true', exception)]);
    expect(engine.match(scopeOfEvent(connectEvent({ process: null })))).toHaveLength(1);
  });
});

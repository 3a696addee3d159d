import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Baseline, BaselineState } from '../../proto/generated/tallyman/v1/baseline.ts';
import { compileBaseline, maxBaselineLines } from './compile-baseline.ts';
import { type BaselineVerdict, CompiledBaseline } from './compiled-baseline.ts';

type Change = Parameters<typeof Baseline.fromPartial>[0];

const good: Change = {
  state: BaselineState.READY,
  version: 'v1',
  executables: [
    { path: '/usr/sbin/nginx', parentPath: '', argumentShapes: ['nginx -g <text>'] },
    { path: '/bin/dash', parentPath: '/usr/sbin/cron', argumentShapes: ['dash -c *'] },
    { path: '/bin/ls', parentPath: '*' },
    { path: '/bin/busybox', parentPath: '/bin/busybox', argumentShapes: ['ls -l', 'cat *'] },
    { path: '/usr/bin/node', parentPath: '/bin/dash', argumentShapes: ['node /app/main.js', 'node *'] },
    { path: '/usr/bin/new', parentPath: '/bin/ls' },
  ],
  destinations: [
    { transport: 'tcp', address: '10.0.0.7', port: 5432, executablePath: '/usr/bin/node' },
    { transport: 'tcp', address: '10.1.0.0/16', port: 0, executablePath: '' },
    { transport: 'tcp', name: 'API.example.org.', port: 443, executablePath: '/usr/bin/node' },
    { transport: 'tcp', name: '*.cdn.example', port: 443, executablePath: '' },
  ],
  listens: [
    { transport: 'tcp', port: 80, executablePath: '/usr/sbin/nginx' },
    { transport: 'tcp', port: 0, executablePath: '/usr/bin/node' },
    { transport: 'udp', port: 53, executablePath: '/usr/sbin/named' },
  ],
  capabilities: [{ capabilityName: 'CAP_NET_BIND_SERVICE', executablePath: '/usr/sbin/nginx' }],
  openPaths: ['/usr/bin/new'],
};

function compiled(change: Change = {}): CompiledBaseline {
  const baseline = compileBaseline(Baseline.fromPartial({ ...good, ...change }));
  if (!(baseline instanceof CompiledBaseline)) throw new Error(baseline.refused);
  return baseline;
}

function refusal(change: Change): string {
  const answer = compileBaseline(Baseline.fromPartial({ ...good, ...change }));
  return answer instanceof CompiledBaseline ? '' : answer.refused;
}

describe('executables', () => {
  it.each<[string, string | undefined, string, BaselineVerdict, BaselineVerdict]>([
    ['/usr/sbin/nginx', '', 'nginx -g <text>', 'expected', 'expected'],
    ['/usr/sbin/nginx', '', 'nginx -s reload', 'expected', 'unexpected'],
    ['/usr/sbin/nginx', '/bin/dash', 'nginx -g <text>', 'unexpected', 'unknown'],
    ['/usr/sbin/nginx', undefined, 'nginx -g <text>', 'expected', 'expected'],
    ['/bin/dash', '/usr/sbin/cron', 'dash -c <text>', 'expected', 'unexpected'],
    ['/bin/ls', '/any/parent', 'ls <path>', 'expected', 'expected'],
    ['/usr/bin/node', '/bin/dash', 'node -e <text>', 'expected', 'expected'],
    ['/usr/bin/curl', '/bin/dash', 'curl <url>', 'unexpected', 'unknown'],
    ['/usr/bin/new', '/bin/dash', 'new', 'open', 'unknown'],
    ['/bin/busybox', '/bin/busybox', 'ls -l', 'expected', 'expected'],
    ['/bin/busybox', '/bin/busybox', 'ls -a', 'expected', 'unexpected'],
    ['/bin/busybox', '/bin/busybox', 'cat <path>', 'expected', 'expected'],
    ['/bin/busybox', '/bin/busybox', 'wget <url>', 'unexpected', 'unknown'],
    ['/bin/busybox', undefined, 'wget <url>', 'unexpected', 'unknown'],
  ])('%s below %s as %s: %s, arguments %s', (path, parentPath, shape, executable, args) => {
    const program = { path, parentPath, shape };
    expect([compiled().executable(program), compiled().arguments(program)]).toEqual([executable, args]);
  });

  it('of a start that was never seen are not known', () => {
    const program = { path: '/sbin/init', parentPath: '', shape: 'init' };
    expect(compiled().executable(program)).toBe('unexpected');
    expect(compiled({ executables: [{ path: '/bin/ls', parentPath: '/bin/dash' }] }).executable(program)).toBe(
      'unknown',
    );
  });

  it('that are listed twice are what both lines say', () => {
    const twice = compiled({
      executables: [
        { path: '/a', parentPath: '/b', argumentShapes: ['a x'] },
        { path: '/a', parentPath: '/b', argumentShapes: ['a y'] },
        { path: '/c', parentPath: '/b' },
        { path: '/c', parentPath: '/b', argumentShapes: ['c x'] },
      ],
    });
    expect(twice.arguments({ path: '/a', parentPath: '/b', shape: 'a x' })).toBe('expected');
    expect(twice.arguments({ path: '/a', parentPath: '/b', shape: 'a y' })).toBe('expected');
    expect(twice.arguments({ path: '/c', parentPath: '/b', shape: 'c z' })).toBe('expected');
  });
});

describe('destinations', () => {
  it.each<[string, string, number, string[], string, BaselineVerdict]>([
    ['tcp', '10.0.0.7', 5432, [], '/usr/bin/node', 'expected'],
    ['tcp', '10.0.0.7', 5432, [], '/usr/sbin/nginx', 'unexpected'],
    ['tcp', '10.0.0.7', 5432, [], '', 'expected'],
    ['tcp', '10.0.0.7', 5433, [], '/usr/bin/node', 'unexpected'],
    ['udp', '10.0.0.7', 5432, [], '/usr/bin/node', 'unexpected'],
    ['tcp', '10.1.44.5', 9999, [], '/anything', 'expected'],
    ['tcp', '203.0.113.5', 443, ['other.example', 'api.example.org'], '/usr/bin/node', 'expected'],
    ['tcp', '203.0.113.5', 443, ['evil-api.example.org'], '/usr/bin/node', 'unexpected'],
    ['tcp', '203.0.113.6', 443, ['a.b.cdn.example'], '/usr/bin/curl', 'expected'],
    ['tcp', '203.0.113.6', 443, ['cdn.example'], '/usr/bin/curl', 'unexpected'],
    ['tcp', '203.0.113.6', 443, ['xcdn.example'], '/usr/bin/curl', 'unexpected'],
    ['udp', '203.0.113.6', 50_000, [], '/usr/sbin/named', 'expected'],
    ['udp', '203.0.113.6', 50_000, [], '/usr/bin/node', 'unexpected'],
    ['udp', '203.0.113.6', 53, [], '/usr/sbin/named', 'unexpected'],
    ['tcp', '203.0.113.6', 443, [], '/usr/bin/new', 'open'],
  ])('%s to %s:%i %j by %s: %s', (transport, address, port, names, executablePath, expected) => {
    const to = { transport, address, port, names, executablePath };
    expect(compiled().destination({ ...to, namesMayBeMissing: false })).toBe(expected);
  });
});

describe('a destination without a name, of a program that may have asked for names before', () => {
  it.each<[number, string[], string, BaselineVerdict]>([
    [443, [], '/usr/bin/node', 'unknown'],
    [443, ['evil.example'], '/usr/bin/node', 'unexpected'],
    [5432, [], '/usr/bin/node', 'unexpected'],
    [8443, [], '/usr/bin/node', 'unexpected'],
  ])('on port %i %j by %s: %s', (port, names, executablePath, expected) => {
    const to = { transport: 'tcp', address: '203.0.113.9', port, names, executablePath };
    expect(compiled().destination({ ...to, namesMayBeMissing: true })).toBe(expected);
  });
});

describe('ports and capabilities', () => {
  it.each<[string, number, string, BaselineVerdict]>([
    ['tcp', 80, '/usr/sbin/nginx', 'expected'],
    ['tcp', 80, '/usr/bin/node', 'unexpected'],
    ['tcp', 4444, '/usr/sbin/nginx', 'unexpected'],
    ['tcp', 0, '/usr/bin/node', 'expected'],
    ['tcp', 40_000, '/usr/bin/node', 'expected'],
    ['tcp', 8080, '/usr/bin/node', 'unexpected'],
    ['udp', 53, '/usr/sbin/named', 'expected'],
  ])('%s %i of %s: %s', (transport, port, executablePath, expected) => {
    expect(compiled().listen({ transport, port, executablePath })).toBe(expected);
  });

  it('count for their program', () => {
    const name = 'CAP_NET_BIND_SERVICE';
    expect(compiled().capability({ name, executablePath: '/usr/sbin/nginx' })).toBe('expected');
    expect(compiled().capability({ name, executablePath: '/usr/bin/node' })).toBe('unexpected');
    expect(compiled().capability({ name: 'CAP_NET_RAW', executablePath: '/usr/sbin/nginx' })).toBe('unexpected');
  });
});

describe('a baseline', () => {
  it.each([
    [BaselineState.LEARNING, 'learning'],
    [BaselineState.STALE, 'stale'],
    [BaselineState.INCOMPLETE, 'incomplete'],
  ])('in state %i expects what it knows, and calls nothing unexpected', (state, name) => {
    const baseline = compiled({ state });
    expect([baseline.state, baseline.isReady]).toEqual([name, false]);
    expect(baseline.capability({ name: 'CAP_NET_BIND_SERVICE', executablePath: '/usr/sbin/nginx' })).toBe('expected');
    expect(baseline.capability({ name: 'CAP_NET_RAW', executablePath: '/usr/sbin/nginx' })).toBe('unknown');
    expect(baseline.executable({ path: '/x', parentPath: '/y', shape: 'x' })).toBe('unknown');
  });

  it('that is frozen is ready in any state', () => {
    const baseline = compiled({ state: BaselineState.STALE, frozen: true });
    expect([baseline.state, baseline.isReady]).toEqual(['ready', true]);
    expect(baseline.executable({ path: '/x', parentPath: '/y', shape: 'x' })).toBe('unexpected');
  });

  it('of an image whose changes are not known leaves new programs open, and known ones not', () => {
    const baseline = compiled({ newPathsOpen: true });
    expect(baseline.executable({ path: '/x', parentPath: '/y', shape: 'x' })).toBe('open');
    expect(baseline.capability({ name: 'CAP_NET_RAW', executablePath: '/x' })).toBe('open');
    expect(baseline.capability({ name: 'CAP_NET_RAW', executablePath: '/usr/sbin/nginx' })).toBe('unexpected');
  });

  it.each<[string, Change, RegExp]>([
    ['no state', { state: 0 as never }, /^state is 0/],
    ['a state of a newer collector', { state: 77 as never }, /^state is 77/],
    ['an empty path', { executables: [{ path: '' }] }, /^executables\[0\]: the path is empty/],
    ['a path without end', { openPaths: ['/'.repeat(9_000)] }, /^open_paths\[0\]: the path has more than/],
    ['a shape without end', { executables: [{ path: '/a', argumentShapes: ['x'.repeat(999)] }] }, /argument shape/],
    ['a destination without any', { destinations: [{ transport: 'tcp' }] }, /name or an address/],
    ['both', { destinations: [{ transport: 'tcp', name: 'a', address: '::1' }] }, /not both/],
    ['no address', { destinations: [{ transport: 'tcp', address: '10.0.0' }] }, /"10\.0\.0" is no address/],
    ['no name', { destinations: [{ transport: 'tcp', name: 'a*.b' }] }, /"a\*\.b" is no DNS name/],
    ['no port', { listens: [{ transport: 'tcp', port: 65_536 }] }, /^listens\[0\]: 65536 is no port/],
    ['no transport', { listens: [{ transport: 'TCP', port: 1 }] }, /"TCP" is no transport/],
    ['no capability', { capabilities: [{ capabilityName: 'NET_RAW' }] }, /"NET_RAW" is no capability/],
    ['too much', { openPaths: Array.from({ length: maxBaselineLines + 1 }, () => '/a') }, /more than 50000 lines/],
  ])('is refused with %s', (_what, change, reason) => {
    expect(refusal(change)).toMatch(reason);
  });

  it('is compiled or refused, whatever it is made of', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('tcp', 'CAP_X', '/a', '10.0.0.0/8', '*.a', '*'));
    const line = fc.record({
      ...{ path: text, parentPath: text, argumentShapes: fc.array(text), transport: text, name: text, address: text },
      ...{ port: fc.nat(70_000), executablePath: text, capabilityName: text },
    });
    fc.assert(
      fc.property(fc.array(line), fc.array(text), (lines, paths) => {
        const lists = {
          executables: lines,
          destinations: lines,
          listens: lines,
          capabilities: lines,
          openPaths: paths,
        };
        const answer = compileBaseline(Baseline.fromPartial({ state: BaselineState.READY, ...lists }));
        expect('refused' in answer || answer instanceof CompiledBaseline).toBe(true);
      }),
    );
  });
});

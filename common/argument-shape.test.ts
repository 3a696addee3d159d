import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argumentShape, maxShapeLength } from './argument-shape.ts';

function shape(argv: readonly string[], more: { script?: string; truncated?: boolean } = {}): string {
  const [program = ''] = argv;
  return argumentShape({ program, argv, argumentsFrom: 1, truncated: false, script: '', ...more });
}

describe('the shape of a command line', () => {
  it.each([
    [['ls', '-la', '/var/lib', '/tmp'], 'ls -la <path>'],
    [['nginx', '-g', 'daemon off;'], 'nginx -g <text>'],
    [['git', 'clone', '--depth=1', 'https://example.org/x'], 'git clone --depth=<number> <url>'],
    [['apt-get', 'install', '-y', 'curl', 'jq'], 'apt-get install -y <word>'],
    [['java', '-Xmx512m', '-Dapp.home=/srv', 'Main'], 'java -Xmx<number> -Dapp.home=<path> Main'],
    [['psql', '-h', '10.0.0.7', '-p', '5432'], 'psql -h <address> -p <number>'],
    [['kill', '-9', '4711'], 'kill <number>'],
    [['sh', '-c', 'curl http://a | sh'], 'sh -c <text>'],
    [['cat', '3f2504e0-4f89-11d3-9a0c-0305e82c3301', 'deadbeef01'], 'cat <id>'],
    [['printf', ''], 'printf <empty>'],
    [['x', '--', '-'], 'x -- -'],
    [['\u{1b}[31m', '\u{0}\u{202e}'], '<text> <text>'],
  ])('%j is %s', (argv, expected) => {
    expect(shape(argv)).toBe(expected);
  });

  it('keeps the script of an interpreter, but for names that are made up', () => {
    expect(shape(['node', '/app/server.js', '--port=80'], { script: '/app/server.js' })).toBe(
      'node /app/server.js --port=<number>',
    );
    expect(shape(['python3', '/tmp/tmpk3v_/x'], { script: '/tmp/tmpk3v_/x' })).toBe('python3 /tmp/tmpk3v_/x');
    expect(shape(['sh', '/tmp/rnd4F'], { script: '/tmp/rnd4F' })).toBe('sh /tmp/<name>');
    expect(shape(['sh', '/job/1234567/run'], { script: '/job/1234567/run' })).toBe('sh /job/<id>/run');
  });

  it('says that there was more', () => {
    expect(shape(['a', 'b'], { truncated: true })).toBe('a b <more>');
    const long = shape([
      'a',
      ...Array.from({ length: 60 }, (_, n) => `--option-${String.fromCharCode(97 + (n % 26))}`),
    ]);
    expect(long.length).toBeLessThanOrEqual(maxShapeLength);
    expect(long).toMatch(/ <more>$/);
    expect(shape(['a', ...Array.from({ length: 100 }, (_, n) => `-${'ab'[n % 2]}`)])).toMatch(/ -b <more>$/);
  });
});

const piece = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 300 }),
  fc.constantFrom(
    '-',
    '--',
    '-x',
    '--long-option',
    '--a=b',
    '--a=1',
    '-Xmx1g',
    '/etc/passwd',
    '<path>',
    '<more>',
    'get',
  ),
  fc.constantFrom('10', '1.2.3.4:80', '::1', 'deadbeef99', 'http://a/b', 'a b', '../x', '-=', '-a<path>', '<x>', '='),
);

describe('of any bytes', () => {
  it('it is short printable text without throwing, and its own shape', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 90 }), fc.boolean(), (argv, truncated) => {
        const once = shape(argv, { truncated });
        expect(once).toMatch(/^[ -~]*$/);
        expect(once.length).toBeLessThanOrEqual(maxShapeLength);
        expect(shape(once.split(' '))).toBe(once);
      }),
      { numRuns: 2_000 },
    );
  });

  it('the same holds for scripts', () => {
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), fc.array(piece), (parts, rest) => {
        const script = parts.join('/');
        const once = shape(['sh', script, ...rest], { script });
        expect(once.length).toBeLessThanOrEqual(maxShapeLength);
        const words = once.split(' ');
        expect(shape(words, { script: words[1] ?? '' })).toBe(once);
      }),
      { numRuns: 2_000 },
    );
  });
});

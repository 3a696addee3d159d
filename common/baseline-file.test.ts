import { describe, expect, it } from 'vitest';
import { type BaselineContent, baselineVersion } from './baseline-content.ts';
import { formatBaselineFile, parseBaselineFile } from './baseline-file.ts';
import { problemText } from './file-problem.ts';

const key = { repository: 'docker.io/shop/web', imageDigest: 'sha256:0123', workload: 'shop/web' };
const content: BaselineContent = {
  executables: [
    { path: '/bin/b', parentPath: '*', argumentShapes: [] },
    { path: '/bin/a', parentPath: '', argumentShapes: ['a -x', 'a *'] },
    { path: '/tmp/\u001b[31m\n: {x}', parentPath: '/bin/a', argumentShapes: ['"quoted": #no comment'] },
  ],
  destinations: [
    { transport: 'tcp', name: '*.shop.svc', address: '', port: 5_432, executablePath: '/bin/a' },
    { transport: 'udp', name: '', address: '10.0.0.0/8', port: 53, executablePath: '' },
  ],
  listens: [{ transport: 'tcp', port: 0, executablePath: '/bin/a' }],
  capabilities: [{ capabilityName: 'CAP_CHOWN', executablePath: '' }],
};

function shuffled(one: BaselineContent): BaselineContent {
  const lists = Object.entries(one).map(([name, list]) => [name, [...list, ...list].reverse()]);
  return Object.fromEntries(lists) as BaselineContent;
}

const head = 'kind: tallyman.baseline/v1\nrepository: r\ndigest: sha256:0123\nworkload: w\n';

describe('the file of a baseline', () => {
  it('is the same text whatever order things came in, and reads as what it was written from', () => {
    const text = formatBaselineFile({ key, frozen: true, content });
    expect(formatBaselineFile({ key, frozen: true, content: shuffled(content) })).toBe(text);
    const parsed = parseBaselineFile(text, 'f');
    expect(parsed).toMatchObject({ key, frozen: true, version: baselineVersion(content) });
    if ('problems' in parsed) throw new Error('has problems');
    expect(baselineVersion(parsed.content)).toBe(baselineVersion(content));
    expect(formatBaselineFile(parsed)).toBe(text);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the point
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it('has one line more for one thing more', () => {
    const more = structuredClone(content);
    more.capabilities.push({ capabilityName: 'CAP_NET_RAW', executablePath: '' });
    const before = formatBaselineFile({ key, frozen: false, content }).split('\n');
    const after = formatBaselineFile({ key, frozen: false, content: more }).split('\n');
    expect(after.filter((line) => !before.includes(line))).toEqual([
      `version: ${baselineVersion(more)}`,
      '  - name: CAP_NET_RAW',
    ]);
  });

  it('may be short', () => {
    expect(parseBaselineFile(head, 'f')).toMatchObject({ frozen: false, version: '', content: { executables: [] } });
  });

  it.each([
    ['executables:\n  - { path: /bin/a, parnt: "" }\n', 'f:6:21: unknown field "parnt" (did you mean "parent"?)'],
    ['executables:\n  - { path: "", parent: "" }\n', 'f:6:13: executables.0.path: must not be empty'],
    [
      'destinations:\n  - { transport: tcp, port: 1 }\n',
      'f:6:5: destinations.0: must have a name or an address, and not both',
    ],
    [
      'destinations:\n  - { transport: tcp, address: 10.0.0.0/33, port: 1 }\n',
      /f:6:32: destinations.0.address: must be an IP/,
    ],
    [
      'destinations:\n  - { transport: tcp, name: "a.*", port: 1 }\n',
      /f:6:29: destinations.0.name: must be a DNS name/,
    ],
    ['destinations:\n  - { transport: tcpp, name: a, port: 1 }\n', /f:6:18: .*did you mean "tcp"/],
    ['listens:\n  - { transport: tcp, port: 65536 }\n', /f:6:29: listens.0.port/],
    ['capabilities:\n  - { name: NET_RAW }\n', /f:6:13: capabilities.0.name: must be a name like CAP_NET_RAW/],
    ['frozen: yes please\n', /f:5:9: frozen/],
    ['frozen: [\n', /^f:\d+:\d+: /],
    ['frozen: &a true\nlistens: *a\n', /aliases are not allowed/],
    [`workload2: ${'x'.repeat(2_100_000)}\n`, /^f:1:1: the file has more than/],
    [`executables:\n${'  - { path: /a, parent: "" }\n'.repeat(1_001)}`, /executables: too big/],
  ])('is refused with the place: %#', (more, problem) => {
    const parsed = parseBaselineFile(head + more, 'f');
    if (!('problems' in parsed)) throw new Error('was taken');
    const found = parsed.problems.map(problemText).join('\n');
    if (typeof problem === 'string') expect(found).toContain(problem);
    else expect(found).toMatch(problem);
  });

  it('is refused when it is larger than what agents take', () => {
    const shapes = Array.from({ length: 700 }, (_, n) => `      - ${'x'.repeat(500)}${n}\n`).join('');
    const lines = `executables:\n  - path: /a\n    parent: ""\n    arguments:\n${shapes}`;
    expect(
      parseBaselineFile(head + lines + lines.replace('executables:\n', '').replace('/a', '/b'), 'f'),
    ).toMatchObject({
      problems: [{ reason: expect.stringMatching(/there are|its lines have/) }],
    });
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { capabilityEvent, connectEvent, execEvent } from '../detect/test-events.ts';
import { fromExactJson, toExactJson } from './exact-json.ts';
import { type RecordedEvent, readRecording } from './reader.ts';
import { RecordingWriter } from './writer.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallyman-recording-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const header = {
  ...{ tallymanRecording: 1, nodeName: 'n', kernelRelease: '6.1', agentVersion: '0.1.0' },
  startedUnixNs: 1n,
};

async function read(text: string): Promise<{ events: RecordedEvent[]; problems: string[] }> {
  const file = join(folder, 'events.jsonl');
  writeFileSync(file, text);
  const problems: string[] = [];
  const events: RecordedEvent[] = [];
  for await (const event of readRecording(file, { onProblem: (line, reason) => problems.push(`${line}: ${reason}`) }))
    events.push(event);
  return { events, problems };
}

const example = {
  process: { executable: { path: '/tmp/~x', inode: 99 }, argv: ['~', '~~1', '5'], parent: { argv: ['sh'] } },
  container: { labels: { '~a': '~7' } },
};

describe('exact JSON', () => {
  it('gives back what it was given', () => {
    const leaf = fc.oneof(
      fc.string(),
      fc.bigInt(),
      fc.boolean(),
      fc.constant(null),
      fc.string().map((s) => `~${s}`),
    );
    fc.assert(
      fc.property(fc.array(fc.record({ a: leaf, b: fc.array(leaf) })), (value) => {
        expect(fromExactJson(toExactJson(value))).toEqual(value);
      }),
    );
  });
});

describe('a recording', () => {
  it('gives back the events it was made of, with container and ancestry', async () => {
    const writer = new RecordingWriter();
    const inputs = [execEvent(example), capabilityEvent(example), connectEvent({ process: null })];
    const text = inputs.map((input, index) => writer.event(input, BigInt(index))).join('');
    const { events, problems } = await read(writer.header(header) + text);
    expect(problems).toEqual([]);
    expect(events.map((event) => event.input)).toEqual(inputs);
    expect(events.map((event) => event.timeUnixNs)).toEqual([0n, 1n, 2n]);
  });

  it('tells of a container and of an execution once', () => {
    const writer = new RecordingWriter();
    const input = execEvent(example);
    expect(writer.event(input, 1n).trimEnd().split('\n')).toHaveLength(4);
    expect(writer.event(input, 2n).trimEnd().split('\n')).toHaveLength(1);
  });

  it('skips lines that are damaged, and says which and why', async () => {
    const writer = new RecordingWriter();
    const [container, parent, own, event] = writer.event(execEvent(example), 1n).split('\n');
    const { events, problems } = await read(
      `${writer.header(header)}${event}\n{"event":{"kind":"telepathy"}}\n[]\n{"x\n${container}\n${parent}\n${own}\n${event}\n`,
    );
    expect(events).toHaveLength(1);
    expect(problems.map((problem) => problem.slice(0, 2))).toEqual(['2:', '3:', '4:', '5:']);
    expect(problems[0]).toMatch(/no line before it tells of container/);
  });

  it('says that an ancestor is missing instead of making one up', async () => {
    const writer = new RecordingWriter();
    const [container, , own, event] = writer.event(execEvent(example), 1n).split('\n');
    const { events } = await read(`${writer.header(header)}${container}\n${own}\n${event}\n`);
    expect(events[0]?.input.execution?.parentMissing).toBe(true);
  });

  it.each([
    ['', /is no recording: it is empty/],
    ['\u0000\u0001', /is no recording/],
    ['{"header":{}}\n', /its first line is no header/],
    ['{"header":{"tallymanRecording":99}}\n', /a recording of version 99, not 1/],
  ])('refuses what is none', async (text, reason) => {
    await expect(read(text)).rejects.toThrow(reason);
  });

  it('never fails on random lines', async () => {
    const lines = fc.array(fc.oneof(fc.json(), fc.string(), fc.constant('{"event":{"kind":"exec","ktimeNs":"~1"}}')));
    await fc.assert(
      fc.asyncProperty(lines, async (random) => {
        const { events } = await read(new RecordingWriter().header(header) + random.join('\n'));
        expect(events).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});

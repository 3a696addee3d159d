import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../../test/support/eventually.ts';
import { MemoryRuntime } from '../../test/support/memory-runtime.ts';
import { assumedContainer } from './assumed-container.ts';
import { OptionalRuntime } from './optional-runtime.ts';
import type { RuntimeSink } from './runtime.ts';

const sink: RuntimeSink = {
  ...{ inspected: () => undefined, described: () => undefined, renamed: () => undefined, livingIds: () => [] },
};
let folder: string;
let runtime: OptionalRuntime;
let made: string[];
const inner = new MemoryRuntime();
inner.containers.set('a', assumedContainer('a', 0n, undefined));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallyman-optional-'));
  made = [];
  const create = (path: string): MemoryRuntime => {
    made.push(path);
    return inner;
  };
  const socketPaths = [join(folder, 'first'), join(folder, 'second')];
  runtime = new OptionalRuntime({ name: 'maybe', socketPaths, create, lookIntervalMs: 10 });
});

afterEach(async () => {
  await runtime.close();
  rmSync(folder, { recursive: true });
});

it('has no containers and is missed by nobody while its socket is not there', async () => {
  await runtime.start(sink);
  expect(runtime.status()).toMatchObject({ name: 'maybe', present: false, connected: false });
  expect(runtime.status().reason).toContain(join(folder, 'second'));
  expect(await runtime.inspect('a')).toBeUndefined();
  expect(made).toEqual([]);
});

it('is the runtime behind the first socket that is there, from the start or later', async () => {
  await runtime.start(sink);
  writeFileSync(join(folder, 'second'), '');
  await eventually(() => expect(made).toEqual([join(folder, 'second')]));
  expect(runtime.status()).toMatchObject({ name: 'memory', present: true, connected: true });
  expect(await runtime.inspect('a')).toMatchObject({ id: 'a' });
  expect(inner.sink).toBe(sink);
  writeFileSync(join(folder, 'first'), '');
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(made).toHaveLength(1);
});

import { describe, expect, it } from 'vitest';
import { assumedContainer } from './assumed-container.ts';
import { type Container, ContainerState } from './container.ts';
import { mergeDescribed, mergeInspected } from './lifecycle.ts';

const blank = { ...assumedContainer('a', 5n, undefined), cgroupId: 0n };
const created: Container = { ...blank, state: ContainerState.CREATED, createdUnixNs: 1n };
const running: Container = { ...blank, state: ContainerState.RUNNING, startedUnixNs: 10n, initPid: 7 };
const exited: Container = { ...blank, state: ContainerState.EXITED, startedUnixNs: 10n, finishedUnixNs: 20n };
const again: Container = { ...running, startedUnixNs: 30n, initPid: 9 };

describe('mergeInspected', () => {
  const cases: [string, Container, Container, Partial<Container>][] = [
    ['a start', created, running, { state: ContainerState.RUNNING, createdUnixNs: 1n, initPid: 7 }],
    ['an end, keeping the pid', running, exited, { state: ContainerState.EXITED, finishedUnixNs: 20n, initPid: 7 }],
    [
      'a second start',
      exited,
      again,
      { state: ContainerState.RUNNING, startedUnixNs: 30n, finishedUnixNs: 0n, initPid: 9 },
    ],
    [
      'an answer from before the end',
      exited,
      { ...running, name: 'new' },
      { state: ContainerState.EXITED, finishedUnixNs: 20n, name: 'new' },
    ],
    ['an answer from before the start', running, created, { state: ContainerState.RUNNING, startedUnixNs: 10n }],
    [
      'an answer from before the second start',
      again,
      exited,
      { state: ContainerState.RUNNING, startedUnixNs: 30n, initPid: 9 },
    ],
  ];
  it.each(cases)('takes %s', (_name, known, incoming, expected) => {
    const before = structuredClone(known);
    expect(mergeInspected(known, incoming)).toMatchObject(expected);
    expect(known).toEqual(before);
  });

  it('leaves the cgroup to the directory', () => {
    expect(mergeInspected({ ...running, cgroupId: 82n, cgroupPath: '/p' }, again)).toMatchObject({
      cgroupId: 82n,
      cgroupPath: '/p',
    });
  });
});

describe('mergeDescribed', () => {
  it('changes state and times only', () => {
    const died = mergeDescribed({ ...running, name: 'n' }, { ...exited, name: 'from-event' });
    expect(died).toMatchObject({ state: ContainerState.EXITED, finishedUnixNs: 20n, name: 'n', initPid: 7 });
    expect(mergeDescribed(exited, again)).toMatchObject({
      state: ContainerState.RUNNING,
      startedUnixNs: 30n,
      finishedUnixNs: 0n,
    });
  });

  it.each([
    ['a repeated start', running, { ...running, startedUnixNs: 11n }],
    ['a repeated end', exited, { ...exited, finishedUnixNs: 21n }],
    ['a start from before the end', exited, running],
    ['an end from before the second start', again, exited],
    ['a repeated creation', running, created],
  ])('ignores %s', (_name, known, event) => {
    expect(mergeDescribed(known, event)).toBe(known);
  });
});

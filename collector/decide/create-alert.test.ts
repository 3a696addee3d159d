import { describe, expect, it } from 'vitest';
import { sampleAlert, sampleCorrelated, sampleFinding, sampleTimeUnixNs } from '../publish/testing/sample-alert.ts';
import { assessPosture } from './posture-level.ts';
import { executionSpanId, traceIdsOf, traceparentOf } from './trace-ids.ts';

const input = {
  cluster: 'c',
  containerId: 'abc',
  nodeName: 'n',
  eventUnixNs: sampleTimeUnixNs,
  alertId: 'a',
};

describe('trace ids', () => {
  it('are computed, of the right form, and one trace per container and hour', () => {
    const ids = traceIdsOf(input);
    expect(ids.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect([ids.spanId, ids.rootSpanId]).toEqual([
      expect.stringMatching(/^[0-9a-f]{16}$/),
      expect.stringMatching(/^[0-9a-f]{16}$/),
    ]);
    expect(traceIdsOf(input)).toEqual(ids);
    const other = traceIdsOf({ ...input, alertId: 'b', eventUnixNs: sampleTimeUnixNs + 1n });
    expect(other).toEqual({ ...ids, spanId: other.spanId });
    expect(other.spanId).not.toBe(ids.spanId);
    for (const change of [
      { cluster: 'd' },
      { containerId: 'abd' },
      { eventUnixNs: sampleTimeUnixNs + 3_600_000_000_000n },
    ])
      expect(traceIdsOf({ ...input, ...change }).traceId).not.toBe(ids.traceId);
    expect(traceparentOf(ids.traceId, ids.spanId)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(executionSpanId('x')).toMatch(/^[0-9a-f]{16}$/);
  });

  it('keep containers that are not known apart by node', () => {
    const unknown = { ...input, containerId: '' };
    expect(traceIdsOf(unknown).traceId).not.toBe(traceIdsOf({ ...unknown, nodeName: 'm' }).traceId);
  });
});

describe('the alert', () => {
  it('keeps the id of the finding, and makes one from the content where that cannot be a message id', () => {
    expect(sampleAlert().alertId).toBe(sampleFinding().findingId);
    const idOf = (findingId: string, summary = 'x') =>
      sampleAlert(sampleCorrelated(sampleFinding({ findingId, summary }))).alertId;
    for (const hostile of ['', 'a\r\nNats-Msg-Id: b', 'x'.repeat(65), 'ü']) {
      expect(idOf(hostile)).toMatch(/^[0-9a-f]{32}$/);
      expect(idOf(hostile)).toBe(idOf(hostile));
      expect(idOf(hostile, 'y')).not.toBe(idOf(hostile));
    }
  });

  it('has a namespace also without a container', () => {
    expect(sampleAlert(sampleCorrelated(sampleFinding({ container: undefined }))).namespace).toBe('unknown');
  });
});

describe('the posture in a word', () => {
  const plain = sampleFinding().container?.posture;
  if (plain === undefined) throw new Error('the sample has no posture');
  it.each([
    ['default', {}],
    ['default', { apparmorUnconfined: true }],
    ['privileged', { privileged: true, unknownFields: ['user'] }],
    ['elevated', { hostPid: true }],
    ['elevated', { addedCapabilities: ['CAP_SYS_ADMIN'], unknownFields: ['privileged'] }],
    ['elevated', { runtimeSockets: ['/run/docker.sock'] }],
    ['unknown', { unknownFields: ['privileged'] }],
  ])('%s: %j', (level, change) => {
    expect(assessPosture({ ...plain, ...change }).level).toBe(level);
  });

  it('is unknown without a posture', () => {
    expect(assessPosture(undefined).level).toBe('unknown');
  });
});

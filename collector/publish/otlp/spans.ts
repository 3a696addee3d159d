import type { Attributes, HrTime, Link, SpanContext } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { version } from '../../../common/version.ts';
import type { ProcessExecution } from '../../../proto/generated/tallyman/v1/process.ts';
import type { Alert } from '../../decide/alert.ts';
import { eventTimeUnixNs } from '../../decide/create-alert.ts';
import { otelSeverityNumbers } from '../../decide/severity.ts';
import { executionSpanId } from '../../decide/trace-ids.ts';
import { alertEventType } from '../formats/cloudevent.ts';
import { descriptionOf, titleOf } from '../formats/sentence.ts';
import { displayName, showText } from '../formats/text.ts';
import { alertAttributes, executionAttributes } from './attributes.ts';

/** Numeric values of the OpenTelemetry API, written out so that its module need not be loaded without an endpoint. */
const spanKindInternal = 0;
const statusUnset = 0;
const statusError = 2;
const sampled = 1;

const instrumentationScope = { name: 'tallyman', version };

/** Where the spans of one alert belong. */
export interface TracePlace {
  traceId: string;
  rootSpanId: string;
  resource: Resource;
}

/** How an execution ended; undefined: it still runs, or nobody knows. */
export interface ExecutionEnd {
  endUnixNs: bigint;
  exitCode: number;
  exitSignal: number;
}

export function spanContextOf(traceId: string, spanId: string): SpanContext {
  return { traceId, spanId, traceFlags: sampled };
}

/**
 * The container's own span: from its start to the first alert of the window, because a span can only be exported once it
 * has ended. `previous` is the root of the container's window before this one.
 */
export function rootSpan(place: TracePlace, alert: Alert, windowIndex: bigint, previous?: SpanContext): ReadableSpan {
  const event = eventTimeUnixNs(alert.correlated);
  const container = alert.correlated.finding.container;
  const started = container?.startedUnixNs ?? 0n;
  return span(place, {
    spanId: place.rootSpanId,
    parentSpanId: undefined,
    name: `container ${showText(container?.name || container?.id || alert.correlated.node.name || 'unknown', 200)}`,
    startUnixNs: started > 0n && started < event ? started : event,
    endUnixNs: event,
    attributes: { 'tallyman.window.index': Number(windowIndex) },
    links: previous === undefined ? [] : [{ context: previous, attributes: { 'tallyman.link': 'previous-window' } }],
  });
}

/** One execution of a program, as long as it lived; `runningUntilUnixNs` ends the span of one that still runs. */
export function executionSpan(
  place: TracePlace,
  execution: ProcessExecution,
  parentSpanId: string,
  end: ExecutionEnd | undefined,
  runningUntilUnixNs: bigint,
): ReadableSpan {
  const start = execution.execUnixNs > 0n ? execution.execUnixNs : execution.startUnixNs;
  return span(place, {
    spanId: executionSpanId(execution.executionId),
    parentSpanId,
    name: showText(displayName(execution) || `pid ${execution.pid}`, 200),
    startUnixNs: start > 0n ? start : (end?.endUnixNs ?? runningUntilUnixNs),
    endUnixNs: end?.endUnixNs ?? runningUntilUnixNs,
    attributes: { ...executionAttributes(execution), ...endAttributes(end) },
    links: [],
  });
}

function endAttributes(end: ExecutionEnd | undefined): Attributes {
  if (end === undefined) return { 'tallyman.process.running': true };
  const attributes: Attributes = { 'tallyman.process.running': false, 'process.exit.code': end.exitCode };
  if (end.exitSignal > 0) attributes['tallyman.process.exit_signal'] = end.exitSignal;
  return attributes;
}

/** The alert: a span of no length with error status, under the execution that acted and linked to it. */
export function alertSpan(place: TracePlace, alert: Alert): ReadableSpan {
  const event = eventTimeUnixNs(alert.correlated);
  const acting = alert.correlated.finding.processes[0];
  const actingSpanId = acting === undefined ? undefined : executionSpanId(acting.executionId);
  const links: Link[] =
    actingSpanId === undefined
      ? []
      : [{ context: spanContextOf(place.traceId, actingSpanId), attributes: { 'tallyman.link': 'acting-execution' } }];
  return {
    ...span(place, {
      spanId: alert.spanId,
      parentSpanId: actingSpanId ?? place.rootSpanId,
      name: `alert ${showText(alert.correlated.finding.ruleId || 'unknown', 200)}`,
      startUnixNs: event,
      endUnixNs: event,
      attributes: alertAttributes(alert),
      links,
    }),
    status: { code: statusError, message: titleOf(alert) },
  };
}

/** The alert as an event of the logs signal, with the ids of its span. */
export function alertLogRecord(place: TracePlace, alert: Alert): ReadableLogRecord {
  return {
    hrTime: hrTimeOf(eventTimeUnixNs(alert.correlated)),
    hrTimeObserved: hrTimeOf(BigInt(alert.correlated.receivedAtUnixMs) * 1_000_000n),
    spanContext: spanContextOf(place.traceId, alert.spanId),
    severityText: alert.decision.severity,
    severityNumber: otelSeverityNumbers[alert.decision.severity],
    body: descriptionOf(alert),
    eventName: alertEventType,
    resource: place.resource,
    instrumentationScope,
    attributes: alertAttributes(alert),
    droppedAttributesCount: 0,
  };
}

interface SpanParts {
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  startUnixNs: bigint;
  endUnixNs: bigint;
  attributes: Attributes;
  links: Link[];
}

function span(place: TracePlace, parts: SpanParts): ReadableSpan {
  const end = latest(parts.startUnixNs, parts.endUnixNs);
  const context = spanContextOf(place.traceId, parts.spanId);
  return {
    name: parts.name,
    kind: spanKindInternal,
    spanContext: () => context,
    parentSpanContext: parts.parentSpanId === undefined ? undefined : spanContextOf(place.traceId, parts.parentSpanId),
    startTime: hrTimeOf(parts.startUnixNs),
    endTime: hrTimeOf(end),
    duration: hrTimeOf(end - parts.startUnixNs),
    ended: true,
    status: { code: statusUnset },
    attributes: parts.attributes,
    links: parts.links,
    events: [],
    resource: place.resource,
    instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function latest(first: bigint, second: bigint): bigint {
  return [first, second].reduce((newest, time) => (time > newest ? time : newest));
}

/** [seconds, nanoseconds], exact. */
export function hrTimeOf(unixNs: bigint): HrTime {
  return [Number(unixNs / 1_000_000_000n), Number(unixNs % 1_000_000_000n)];
}

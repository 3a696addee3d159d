import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { type Decoded, decodeLogsRequest, decodeTraceRequest } from './otlp-decode.ts';

/** Strings, numbers (bigint when not exact), booleans and lists of them. */
export type ReceivedValue = string | number | bigint | boolean | Buffer | undefined | ReceivedValue[] | ReceivedMap;
export interface ReceivedMap {
  [key: string]: ReceivedValue;
}

export interface ReceivedSpan {
  /** Lower-case hex; parentSpanId is empty for a root. */
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  /** SpanKind of the protocol: 1 is INTERNAL. */
  kind: number;
  startUnixNs: bigint;
  endUnixNs: bigint;
  attributes: ReceivedMap;
  /** 0 unset, 1 ok, 2 error. */
  status: { code: number; message: string };
  links: { traceId: string; spanId: string; attributes: ReceivedMap }[];
  resource: ReceivedMap;
}

export interface ReceivedLog {
  traceId: string;
  spanId: string;
  timeUnixNs: bigint;
  observedUnixNs: bigint;
  severityNumber: number;
  severityText: string;
  eventName: string;
  body: ReceivedValue;
  attributes: ReceivedMap;
  resource: ReceivedMap;
}

export interface OtlpReceiver {
  /** Base address: /v1/traces and /v1/logs are below it. */
  endpoint: string;
  /** In the order they came; nothing is merged, so what is sent twice is here twice. */
  spans: ReceivedSpan[];
  logs: ReceivedLog[];
  /** What was refused, and why. */
  refused: string[];
  /** Answers every request with this status instead of taking it; undefined takes it. */
  answerStatus: number | undefined;
  /** Closes the port; what was received stays. */
  stop(): Promise<void>;
  /** Opens the same port again. */
  start(): Promise<void>;
  /** Resolves when `condition` holds; rejects after `limitMs`, naming what is there. */
  waitFor(condition: (receiver: OtlpReceiver) => boolean, limitMs?: number): Promise<void>;
}

const maxBodyBytes = 64 * 1024 * 1024;

/** A real OTLP/HTTP receiver for protobuf bodies, https://opentelemetry.io/docs/specs/otlp/#otlphttp. */
export async function startOtlpReceiver(port = 0): Promise<OtlpReceiver> {
  const receiver = new Receiver(port);
  await receiver.start();
  return receiver;
}

class Receiver implements OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  readonly logs: ReceivedLog[] = [];
  readonly refused: string[] = [];
  answerStatus: number | undefined;
  #port: number;
  #server: Server | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response));
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  async waitFor(condition: (receiver: OtlpReceiver) => boolean, limitMs = 15_000): Promise<void> {
    const deadline = Date.now() + limitMs;
    while (!condition(this)) {
      if (Date.now() > deadline) {
        const names = this.spans.map((span) => span.name).join(', ');
        const logs = this.logs.length;
        throw new Error(`not received in time; spans: ${names}; ${logs} logs; refused: ${this.refused.join(', ')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = await this.#take(request).catch((error: unknown) => ({ status: 400, reason: String(error) }));
    if (refusal === undefined) response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    else {
      this.refused.push(`${request.url}: ${refusal.status} ${refusal.reason}`);
      response.writeHead(refusal.status, { 'content-type': 'text/plain' }).end(refusal.reason);
    }
  }

  async #take(request: IncomingMessage): Promise<{ status: number; reason: string } | undefined> {
    const body = await readBody(request);
    if (this.answerStatus !== undefined) return { status: this.answerStatus, reason: 'as told' };
    if (request.method !== 'POST') return { status: 405, reason: 'only POST' };
    if (request.headers['content-type'] !== 'application/x-protobuf') return { status: 415, reason: 'only protobuf' };
    if (request.url === '/v1/traces') this.spans.push(...spansOf(decodeTraceRequest(body)));
    else if (request.url === '/v1/logs') this.logs.push(...logsOf(decodeLogsRequest(body)));
    else return { status: 404, reason: 'only /v1/traces and /v1/logs' };
    return undefined;
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new Error('body too large');
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body, { maxOutputLength: maxBodyBytes }) : body;
}

function spansOf(request: Decoded): ReceivedSpan[] {
  return list(request.resourceSpans).flatMap((group) =>
    list(group.scopeSpans).flatMap((scoped) => list(scoped.spans).map((span) => toSpan(span, resourceOf(group)))),
  );
}

function logsOf(request: Decoded): ReceivedLog[] {
  return list(request.resourceLogs).flatMap((group) =>
    list(group.scopeLogs).flatMap((scoped) => list(scoped.logRecords).map((log) => toLog(log, resourceOf(group)))),
  );
}

function toSpan(span: Decoded, resource: ReceivedMap): ReceivedSpan {
  const status = span.status as Decoded | undefined;
  const decoded: ReceivedSpan = {
    traceId: hexId(span.traceId, 16, 'traceId'),
    spanId: hexId(span.spanId, 8, 'spanId'),
    parentSpanId: optionalHexId(span.parentSpanId, 8, 'parentSpanId'),
    name: String(span.name ?? ''),
    kind: Number(span.kind ?? 0),
    startUnixNs: (span.startTimeUnixNano ?? 0n) as bigint,
    endUnixNs: (span.endTimeUnixNano ?? 0n) as bigint,
    attributes: attributesOf(span.attributes),
    status: { code: Number(status?.code ?? 0), message: String(status?.message ?? '') },
    links: list(span.links).map((link) => ({
      traceId: hexId(link.traceId, 16, 'link.traceId'),
      spanId: hexId(link.spanId, 8, 'link.spanId'),
      attributes: attributesOf(link.attributes),
    })),
    resource,
  };
  if (decoded.name === '') throw new Error('span without a name');
  if (decoded.startUnixNs === 0n || decoded.endUnixNs < decoded.startUnixNs)
    throw new Error(`span ${decoded.name} ends before it starts, or has no start`);
  return decoded;
}

function toLog(log: Decoded, resource: ReceivedMap): ReceivedLog {
  return {
    traceId: optionalHexId(log.traceId, 16, 'traceId'),
    spanId: optionalHexId(log.spanId, 8, 'spanId'),
    timeUnixNs: (log.timeUnixNano ?? 0n) as bigint,
    observedUnixNs: (log.observedTimeUnixNano ?? 0n) as bigint,
    severityNumber: Number(log.severityNumber ?? 0),
    severityText: String(log.severityText ?? ''),
    eventName: String(log.eventName ?? ''),
    body: plainValue(log.body as Decoded | undefined),
    attributes: attributesOf(log.attributes),
    resource,
  };
}

function resourceOf(group: Decoded): ReceivedMap {
  return attributesOf((group.resource as Decoded | undefined)?.attributes);
}

function attributesOf(pairs: unknown): ReceivedMap {
  const attributes: ReceivedMap = {};
  for (const pair of list(pairs)) {
    const key = String(pair.key ?? '');
    if (key === '' || Object.hasOwn(attributes, key))
      throw new Error(`attribute ${JSON.stringify(key)} empty or twice`);
    attributes[key] = plainValue(pair.value as Decoded | undefined);
  }
  return attributes;
}

function plainValue(value: Decoded | undefined): ReceivedValue {
  const [member] = Object.entries(value ?? {});
  if (member === undefined) return undefined;
  const [kind, content] = member;
  if (kind === 'arrayValue') return list((content as Decoded).values).map(plainValue);
  if (kind === 'kvlistValue') return attributesOf((content as Decoded).values);
  if (kind === 'intValue' && Number.isSafeInteger(Number(content))) return Number(content);
  return content as ReceivedValue;
}

function list(value: unknown): Decoded[] {
  return (value ?? []) as Decoded[];
}

function hexId(value: unknown, lengthBytes: number, what: string): string {
  const bytes = value instanceof Buffer ? value : Buffer.alloc(0);
  if (bytes.length !== lengthBytes || bytes.every((byte) => byte === 0))
    throw new Error(`${what} has ${bytes.length} bytes or is all zero, ${lengthBytes} expected`);
  return bytes.toString('hex');
}

function optionalHexId(value: unknown, lengthBytes: number, what: string): string {
  return value === undefined ? '' : hexId(value, lengthBytes, what);
}

import type { Logger } from '../common/logger.ts';
import { version } from '../common/version.ts';

export interface Telemetry {
  close(): Promise<void>;
}

/**
 * Traces of the collector itself, for whoever operates it. The SDK is loaded only when an endpoint is configured: it costs
 * tens of megabytes. It has nothing to do with the traces of alerts, which have a provider of their own, so that a sampler
 * set for this one cannot thin evidence. Undefined when no endpoint is configured.
 */
export async function startTelemetry(
  endpoint: string | undefined,
  environment: NodeJS.ProcessEnv,
  logger: Logger,
): Promise<Telemetry | undefined> {
  if (endpoint === undefined && !environment.OTEL_EXPORTER_OTLP_ENDPOINT) return undefined;
  const [{ NodeSDK }, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
  ]);
  const url =
    endpoint === undefined ? undefined : new URL('v1/traces', endpoint.endsWith('/') ? endpoint : `${endpoint}/`).href;
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({ 'service.name': 'tallyman-collector', 'service.version': version }),
    traceExporter: new OTLPTraceExporter(url === undefined ? {} : { url }),
    // Only what the collector says of itself: no patching of modules, no metrics or logs beside the Prometheus ones.
    instrumentations: [],
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  return {
    close: async () => {
      try {
        await sdk.shutdown();
      } catch (thrown) {
        logger.debug({ err: thrown }, 'the last own traces could not be exported');
      }
    },
  };
}

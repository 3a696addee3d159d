import { CodedError } from '../../../common/errors.ts';

/**
 * Where traces and logs go for a base address, as OTEL_EXPORTER_OTLP_ENDPOINT defines it,
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp: /v1/traces and /v1/logs are
 * appended, a path of the base stays.
 *
 * @throws CodedError<'otlp-endpoint-invalid'>
 */
export function otlpUrls(endpoint: string): { traces: string; logs: string } {
  let base: URL;
  try {
    base = new URL(endpoint);
  } catch (error) {
    throw invalid(`OTLP endpoint ${JSON.stringify(endpoint)} is not a URL`, error);
  }
  if (base.protocol !== 'http:' && base.protocol !== 'https:')
    throw invalid(`OTLP endpoint ${JSON.stringify(endpoint)} is neither http nor https`, undefined);
  const path = base.pathname.replace(/\/+$/, '');
  const at = (suffix: string): string => {
    const url = new URL(base);
    url.pathname = `${path}${suffix}`;
    return url.href;
  };
  return { traces: at('/v1/traces'), logs: at('/v1/logs') };
}

function invalid(message: string, cause: unknown): CodedError<'otlp-endpoint-invalid'> {
  return new CodedError('otlp-endpoint-invalid', message, {
    cause,
    hint: 'give the base address of an OTLP/HTTP receiver, for example http://127.0.0.1:4318',
  });
}

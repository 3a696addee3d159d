import { CodedError } from '../../../common/errors.ts';

/** Why a registry could not be asked, or its answer not be used. A 404 is an answer, never an error. */
export type RegistryErrorCode =
  | 'REGISTRY_UNREACHABLE'
  | 'REGISTRY_TIMEOUT'
  | 'REGISTRY_TLS'
  | 'REGISTRY_DENIED'
  | 'REGISTRY_RATE_LIMITED'
  | 'REGISTRY_SERVER_ERROR'
  | 'REGISTRY_UNEXPECTED_STATUS'
  | 'REGISTRY_DIGEST_MISMATCH'
  | 'REGISTRY_TOO_LARGE'
  | 'REGISTRY_TRUNCATED'
  | 'REGISTRY_NOT_JSON'
  | 'REGISTRY_CONTENT_TYPE'
  | 'REGISTRY_MALFORMED'
  | 'REGISTRY_REDIRECT_LOOP'
  | 'REGISTRY_REDIRECT_REFUSED'
  | 'REGISTRY_HOST_REFUSED'
  | 'REGISTRY_CHALLENGE'
  | 'REGISTRY_REFERENCE';

export class RegistryError extends CodedError<RegistryErrorCode> {
  override readonly name = 'RegistryError';
}

/** Node's error codes that mean "this certificate is not trusted", as opposed to "nobody answers". */
const tlsCodes = /^(CERT_|ERR_TLS_|ERR_SSL_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(GET|VERIFY)|EPROTO)/;

/** Gives anything thrown by the network a registry code; a RegistryError stays what it is. */
export function toRegistryError(thrown: unknown, url: URL): RegistryError {
  if (thrown instanceof RegistryError) return thrown;
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code ?? '';
  const name = (thrown as Error | undefined)?.name ?? '';
  const place = `${url.protocol}//${url.host}`;
  if (name === 'TimeoutError' || name === 'AbortError' || code === 'ABORT_ERR')
    return new RegistryError('REGISTRY_TIMEOUT', `${place} did not answer in time`, { cause: thrown });
  if (tlsCodes.test(code))
    return new RegistryError('REGISTRY_TLS', `no trusted TLS connection to ${place}`, {
      cause: thrown,
      hint: 'install the registry’s CA (NODE_EXTRA_CA_CERTS), or list the host as an insecure registry if it speaks plain HTTP',
    });
  return new RegistryError('REGISTRY_UNREACHABLE', `cannot reach ${place}`, { cause: causeWithText(thrown) });
}

/** An AggregateError of connection attempts has an empty message: its parts say what happened. */
function causeWithText(thrown: unknown): unknown {
  if (thrown instanceof AggregateError && thrown.message === '')
    return new Error(thrown.errors.map((error) => (error instanceof Error ? error.message : String(error))).join(', '));
  return thrown;
}

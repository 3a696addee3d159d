import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { isLoopbackAddress } from '../../common/loopback.ts';
import { HttpProblem } from './problem.ts';

/** Answer whether the process lives and works, nothing else; probes carry no token. */
const openPaths = new Set(['/healthz', '/readyz']);

/** Who may ask. Throws a problem for everybody else. */
export function createGuard(token: string | undefined): (request: FastifyRequest) => void {
  const admit = token === undefined ? assertLoopbackHost : tokenGuard(token);
  return (request) => {
    admit(request);
    assertNoPage(request);
  };
}

function tokenGuard(token: string): (request: FastifyRequest) => void {
  const expected = digest(token);
  return (request) => {
    if (openPaths.has(request.routeOptions.url ?? '')) return;
    const [scheme, given] = (request.headers.authorization ?? '').split(' ', 2);
    // Digests are of one length, so the comparison tells nothing about the token.
    if (scheme?.toLowerCase() === 'bearer' && given !== undefined && timingSafeEqual(digest(given), expected)) return;
    throw new HttpProblem(401, 'Unauthorized', 'send the token of the collector: "Authorization: Bearer …"');
  };
}

/**
 * Without a token the server listens on loopback only, and a web page must not reach it by pointing its own name at this
 * machine (DNS rebinding): the host asked for must be a loopback name.
 */
function assertLoopbackHost(request: FastifyRequest): void {
  const host = request.headers.host ?? '';
  if (!isLoopbackAddress(host))
    throw new HttpProblem(421, 'Misdirected request', 'without a token this API answers to loopback addresses only');
}

/** Browsers send the origin with whatever changes something: a web page must not edit baselines behind a person's back. */
function assertNoPage({ method, headers }: FastifyRequest): void {
  if (method !== 'GET' && method !== 'HEAD' && headers.origin !== undefined)
    throw new HttpProblem(403, 'Forbidden', 'web pages cannot change anything here');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

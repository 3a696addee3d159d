import { dnsMessage } from './dns-message.ts';

/** A command that asks a name server in the container for a name, and is answered that there is none. */
export function askNameServer(name: string): string {
  const query = dnsMessage({ question: name, flags: 0x0100 }).toString('hex');
  // The name server takes the id from the query.
  const answer = dnsMessage({ question: name, flags: 0x8183 }).subarray(2).toString('hex');
  return `/bin/network ask udp ${query} ${answer}`;
}

import { describe, expect, it } from 'vitest';
import { HostPolicy } from './host-policy.ts';

const policy = (insecureRegistries: string[] = [], allowedHosts: string[] = [], addresses: string[] = []): HostPolicy =>
  new HostPolicy({
    insecureRegistries,
    allowedHosts,
    resolve: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
  });

function dial(hosts: HostPolicy, host: string): Promise<string> {
  const url = new URL(`https://${host}`);
  return new Promise((resolve, reject) => {
    hosts.assertAllowed(url);
    hosts.lookupFor(url)(url.hostname, {}, (error, address) => (error ? reject(error) : resolve(String(address))));
  });
}

describe('HostPolicy', () => {
  it('speaks plain HTTP only to loopback and listed registries', () => {
    const hosts = policy(['registry.lab:5000']);
    expect(
      ['localhost:5000', '127.0.0.1:5000', '127.9.9.9', '[::1]:5000', 'registry.lab:5000'].map((host) =>
        hosts.schemeOf(host),
      ),
    ).toEqual(Array(5).fill('http'));
    for (const host of [
      'registry.lab:5001',
      'localhost.example.com',
      '127.0.0.1.example.com',
      'example.com',
      '10.0.0.1:5000',
    ])
      expect(hosts.schemeOf(host), host).toBe('https');
  });

  it.each([
    '169.254.169.254',
    '0.0.0.0',
    '224.0.0.1',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '[::ffff:a9fe:a9fe]',
    '100.100.100.200',
    '[64:ff9b::a9fe:a9fe]',
  ])('never dials %s, even when it is listed', (host) => {
    expect(() => policy([host], [host]).assertAllowed(new URL(`https://${host}`))).toThrow(/not looked for there/);
  });

  it.each(['10.1.2.3', '172.16.0.1', '192.168.1.1', '100.64.0.1', '[fd12::1]'])(
    'dials private %s only when listed',
    (host) => {
      const url = new URL(`https://${host}`);
      expect(() => policy().assertAllowed(url)).toThrow(/private/);
      expect(() => policy([], [host]).assertAllowed(url)).not.toThrow();
    },
  );

  it('checks the addresses behind a name when it connects, all of them', async () => {
    expect(await dial(policy([], [], ['93.184.216.34']), 'registry.example')).toBe('93.184.216.34');
    await expect(dial(policy([], [], ['93.184.216.34', '169.254.169.254']), 'registry.example')).rejects.toMatchObject({
      code: 'REGISTRY_HOST_REFUSED',
    });
    await expect(dial(policy([], [], ['127.0.0.1']), 'registry.example')).rejects.toMatchObject({
      code: 'REGISTRY_HOST_REFUSED',
    });
    await expect(dial(policy([], [], ['10.0.0.1']), 'registry.example')).rejects.toMatchObject({
      hint: expect.stringContaining('allowed registry hosts'),
    });
    expect(await dial(policy([], ['registry.example'], ['10.0.0.1']), 'registry.example')).toBe('10.0.0.1');
    // Behind NAT64 an address is what it stands for.
    expect(await dial(policy([], [], ['64:ff9b::5db8:d822']), 'registry.example')).toBe('64:ff9b::5db8:d822');
    for (const inside of ['64:ff9b::a00:1', '64:ff9b::a9fe:a9fe', '64:ff9b::7f00:1'])
      await expect(dial(policy([], [], [inside]), 'registry.example')).rejects.toMatchObject({
        code: 'REGISTRY_HOST_REFUSED',
      });
    await expect(dial(policy([], [], []), 'registry.example')).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
  });
});

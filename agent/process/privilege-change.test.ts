import { describe, expect, it } from 'vitest';
import { executionOfExample } from '../detect/example-event.ts';
import type { ProcessExample } from '../detect/rule-example.ts';
import { type PrivilegeChange, privilegeChangeOf } from './privilege-change.ts';

const netRaw = 1n << 13n;
const nobody = { uid: 65534, gid: 65534, euid: 65534, egid: 65534, suid: 65534, sgid: 65534 };
const none = { effective: [], permitted: [], inheritable: [], ambient: [] };

function changeOf(example: ProcessExample): PrivilegeChange | undefined {
  return privilegeChangeOf(executionOfExample(example, 'c', 'internal', 10));
}

describe('privilegeChangeOf', () => {
  it('says nothing where it is not known what was before', () => {
    expect(changeOf({ before: null })).toBeUndefined();
  });

  it('sees that nothing changed', () => {
    expect(changeOf({})).toEqual({
      ...{ gained: 0n, lost: 0n, setuidTookEffect: false, setgidTookEffect: false },
      fileCapabilitiesTookEffect: false,
    });
  });

  it('tells a setuid program', () => {
    const before = { credentials: nobody, capabilities: none };
    const change = changeOf({ credentials: { ...nobody, euid: 0, suid: 0 }, secureExec: true, before });
    expect(change).toMatchObject({ setuidTookEffect: true, setgidTookEffect: false, lost: 0n });
    expect(change?.gained).toBe(0xa80425fbn);
    // Root has them all: what the file may hold beside adds nothing.
    expect(change?.fileCapabilitiesTookEffect).toBe(false);
  });

  it('tells file capabilities', () => {
    const change = changeOf({
      credentials: nobody,
      capabilities: { ...none, permitted: ['CAP_NET_RAW'], effective: ['CAP_NET_RAW'] },
      secureExec: true,
      before: { capabilities: none },
    });
    expect(change).toMatchObject({ gained: netRaw, setuidTookEffect: false, fileCapabilitiesTookEffect: true });
  });

  it('does not take root for file capabilities', () => {
    expect(changeOf({ before: { capabilities: none } })).toMatchObject({
      gained: 0xa80425fbn,
      fileCapabilitiesTookEffect: false,
    });
  });

  it('says that it cannot tell a setuid program of somebody who is not root on the host', () => {
    const change = changeOf({
      credentials: { ...nobody, euid: 100_000 },
      secureExec: true,
      before: { credentials: nobody, capabilities: none },
    });
    expect(change?.fileCapabilitiesTookEffect).toBeUndefined();
  });

  it('sees what was lost', () => {
    expect(changeOf({ credentials: nobody, capabilities: none, before: { credentials: {} } })?.lost).toBe(0n);
    const before = { capabilities: { permitted: ['CAP_NET_RAW'] } };
    expect(changeOf({ credentials: nobody, capabilities: none, before })?.lost).toBe(netRaw);
  });
});

import { describe, expect, it } from 'vitest';
import { testExecution } from '../detect/test-events.ts';
import { PrivilegeFacts } from './privilege-facts.ts';

describe('PrivilegeFacts', () => {
  const init = testExecution({ entry: 'container-init', capabilities: { permitted: ['CAP_CHOWN'] } });
  const { capabilities } = init;

  it('tells every start, and ids once', () => {
    const facts = new PrivilegeFacts(() => 1024n);
    expect(facts.executed('c', init, 0)).toEqual([
      { $case: 'startedWith', value: expect.objectContaining({ startSeen: true, capabilities }) },
      {
        $case: 'ranAs',
        value: expect.objectContaining({ uid: init.credentials.uid, more: false, fileCapabilities: 1024n }),
      },
    ]);
    expect(facts.executed('c', init, 0).map(({ $case }) => $case)).toEqual(['startedWith']);
    expect(facts.executed('d', init, 0)).toHaveLength(2);
  });

  it('tells the ids that a process took without executing anything, and that its start was not seen', () => {
    const facts = new PrivilegeFacts(() => 1024n);
    const credentials = { uid: 33, gid: 33, euid: 33, egid: 33, suid: 33, sgid: 33 };
    expect(facts.sampled('c', init, { credentials, capabilities, userLevel: 0 })).toMatchObject([
      { $case: 'startedWith', value: { startSeen: false, credentials } },
      { $case: 'ranAs', value: { uid: 33, effectiveGid: 33 } },
    ]);
    facts.executed('d', init, 0);
    expect(facts.sampled('d', init, { credentials, capabilities, userLevel: 0 })).toMatchObject([{ $case: 'ranAs' }]);
  });

  it('stays bounded when a program takes any number of ids, and says that there were more', () => {
    const facts = new PrivilegeFacts(() => 1024n);
    const told = Array.from({ length: 1_000 }, (_, uid) => {
      const credentials = { uid, gid: 0, euid: 0, egid: 0, suid: 0, sgid: 0 };
      return facts.sampled('c', testExecution(), { credentials, capabilities, userLevel: 0 });
    }).flat();
    expect(told).toHaveLength(129);
    expect(told.at(-1)).toMatchObject({ value: { more: true } });
  });
});

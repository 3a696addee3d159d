import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CapabilitySets, Credentials } from '../decode/kernel-event.ts';
import type { HeldPrivileges } from './privileges.ts';
import { growthByExec, growthWithoutExec } from './transitions.ts';

const all = (1n << 41n) - 1n;
const docker = 0xa80425fbn;
const setuid = 1n << 7n;
const setgid = 1n << 6n;
const setpcap = 1n << 8n;
const hostUserNamespace = 4_026_531_837;

function ids(uid: number, gid = uid): Credentials {
  return { uid, euid: uid, suid: uid, gid, egid: gid, sgid: gid };
}

function sets(permitted: bigint, more: Partial<CapabilitySets> = {}): CapabilitySets {
  return { permitted, effective: permitted, inheritable: 0n, bounding: docker, ambient: 0n, ...more };
}

function privileges(credentials: Credentials, capabilities: CapabilitySets, level = 0): HeldPrivileges {
  return { credentials, capabilities, userNamespace: hostUserNamespace + level, userLevel: level };
}

const user = privileges(ids(1000), sets(0n));
const root = privileges(ids(0), sets(docker));
const plain = { secureExec: false, setuid: false, setgid: false };

describe('growth without execve', () => {
  it.each<[string, HeldPrivileges, HeldPrivileges, string[]]>([
    ['nothing changes', user, user, []],
    [
      'a user becomes root with all capabilities',
      user,
      privileges(ids(0), sets(all, { bounding: all })),
      ['uid', 'gid', 'permitted', 'effective', 'bounding'],
    ],
    ['only the uid of a user changes', user, privileges({ ...ids(1000), euid: 0 }, sets(0n)), ['uid']],
    ['only the saved uid of a user changes', user, privileges({ ...ids(1000), suid: 0 }, sets(0n)), ['uid']],
    ['only a gid of a user changes', user, privileges({ ...ids(1000), egid: 0 }, sets(0n)), ['gid']],
    ['a user gets a capability', user, privileges(ids(1000), sets(1n << 21n)), ['permitted', 'effective']],
    [
      'the container’s root gets all capabilities',
      root,
      privileges(ids(0), sets(all, { bounding: all })),
      ['permitted', 'effective', 'bounding'],
    ],
    [
      'a capability becomes effective that is not permitted',
      root,
      privileges(ids(0), sets(docker, { effective: all })),
      ['effective'],
    ],
    ['the bounding set grows', root, privileges(ids(0), sets(docker, { bounding: all })), ['bounding']],
    ['inheritable takes what is nowhere', user, privileges(ids(1000), sets(0n, { inheritable: 1n })), ['inheritable']],
    ['a server drops to a user', root, privileges(ids(33), sets(0n)), []],
    ['a server drops to a user and keeps one capability', root, privileges(ids(33), sets(1n << 10n)), []],
    [
      'root with CAP_SETGID alone changes groups',
      privileges(ids(0), sets(setgid)),
      privileges(ids(0, 5), sets(setgid)),
      [],
    ],
    [
      'a user with CAP_SETUID becomes root',
      privileges(ids(1000), sets(setuid)),
      privileges(ids(0, 1000), sets(setuid)),
      [],
    ],
    ['effective comes back from permitted', privileges(ids(0), sets(docker, { effective: 0n })), root, []],
    [
      'ids are swapped',
      privileges({ ...ids(1000), suid: 0 }, sets(0n)),
      privileges({ ...ids(0, 1000), suid: 1000 }, sets(0n)),
      [],
    ],
    ['inheritable takes from permitted', root, privileges(ids(0), sets(docker, { inheritable: docker })), []],
    [
      'with CAP_SETPCAP inheritable takes from the bounding set',
      privileges(ids(0), sets(setpcap)),
      privileges(ids(0), sets(setpcap, { inheritable: docker })),
      [],
    ],
  ])('%s', (_name, before, after, growth) => {
    expect(growthWithoutExec(before, after)).toEqual(growth);
  });

  it('knows that a new user namespace brings all capabilities in itself', () => {
    const inside = privileges(ids(1000), sets(all, { bounding: all }), 1);
    expect(growthWithoutExec(user, inside)).toEqual([]);
    expect(growthWithoutExec(user, privileges(ids(100_000), sets(all, { bounding: all }), 1))).toEqual([]);
    expect(growthWithoutExec(root, privileges(ids(0), sets(all, { bounding: all }), 1))).toEqual([]);
  });

  it('knows that one cannot become the host’s root in a namespace of one’s own, nor leave it', () => {
    expect(growthWithoutExec(user, privileges(ids(0), sets(all, { bounding: all }), 1))).toEqual(['uid']);
    const inside = privileges(ids(1000), sets(all, { bounding: all }), 1);
    expect(growthWithoutExec(inside, user)).toEqual(['user-namespace']);
    const sideways = { ...inside, userNamespace: inside.userNamespace + 100 };
    expect(growthWithoutExec(inside, sideways)).toEqual(['user-namespace']);
  });
});

describe('growth by execve', () => {
  const becameRoot = privileges({ ...ids(1000), euid: 0, suid: 0 }, sets(docker));

  it.each<[string, HeldPrivileges, HeldPrivileges, typeof plain, string[]]>([
    ['an ordinary program', user, user, plain, []],
    ['a setuid program', user, becameRoot, { ...plain, setuid: true, secureExec: true }, []],
    ['the same without the setuid bit', user, becameRoot, plain, ['uid']],
    [
      'a shell after an exploit',
      user,
      privileges(ids(0), sets(all, { bounding: all })),
      plain,
      ['uid', 'gid', 'permitted', 'effective', 'bounding'],
    ],
    [
      'a setuid program does not change the real uid',
      user,
      privileges(ids(0, 1000), sets(docker)),
      { ...plain, setuid: true },
      ['uid'],
    ],
    [
      'a setgid program',
      user,
      privileges({ ...ids(1000), egid: 5, sgid: 5 }, sets(0n)),
      { ...plain, setgid: true },
      [],
    ],
    ['file capabilities', user, privileges(ids(1000), sets(1n << 13n)), { ...plain, secureExec: true }, []],
    [
      'file capabilities beyond the bounding set',
      user,
      privileges(ids(1000), sets(1n << 21n)),
      { ...plain, secureExec: true },
      ['permitted', 'effective'],
    ],
    ['capabilities from nowhere', user, privileges(ids(1000), sets(1n << 13n)), plain, ['permitted', 'effective']],
    ['root that had dropped its capabilities has them again', privileges(ids(0), sets(0n)), root, plain, []],
    ['root beyond its bounding set', root, privileges(ids(0), sets(all)), plain, ['permitted', 'effective']],
    ['su: root becomes a user before', root, user, plain, []],
    [
      'ambient capabilities stay',
      privileges(ids(1000), sets(1n << 10n, { ambient: 1n << 10n })),
      privileges(ids(1000), sets(1n << 10n, { ambient: 1n << 10n })),
      plain,
      [],
    ],
    ['unshare -U and a shell', user, privileges(ids(1000), sets(all, { bounding: all }), 1), plain, []],
    [
      'back out of a user namespace',
      privileges(ids(1000), sets(all, { bounding: all }), 1),
      user,
      plain,
      ['user-namespace'],
    ],
  ])('%s', (_name, before, after, exec, growth) => {
    expect(growthByExec(before, after, exec)).toEqual(growth);
  });
});

/** What the kernel does, written from capabilities(7), setresuid(2) and capset(2): each answers the next state, or the same. */
type Step = (state: HeldPrivileges) => HeldPrivileges;

function withIds(state: HeldPrivileges, credentials: Credentials, keepCapabilities: boolean): HeldPrivileges {
  const was = state.credentials;
  const hadRoot = was.uid === 0 || was.euid === 0 || was.suid === 0;
  const hasRoot = credentials.uid === 0 || credentials.euid === 0 || credentials.suid === 0;
  let { permitted, effective, ambient } = state.capabilities;
  if (hadRoot && !hasRoot && !keepCapabilities) [permitted, effective, ambient] = [0n, 0n, 0n];
  if (was.euid === 0 && credentials.euid !== 0) effective = 0n;
  if (was.euid !== 0 && credentials.euid === 0) effective = permitted;
  return { ...state, credentials, capabilities: { ...state.capabilities, permitted, effective, ambient } };
}

const uid = fc.constantFrom(0, 33, 1000, 65_534);
const mask = fc.bigInt({ min: 0n, max: all });

const setresuid = fc.tuple(uid, uid, uid, fc.boolean()).map(
  ([r, e, s, keep]): Step =>
    (state) => {
      const { credentials, capabilities } = state;
      const own = [credentials.uid, credentials.euid, credentials.suid];
      const allowed = (capabilities.effective & setuid) !== 0n || [r, e, s].every((id) => own.includes(id));
      return allowed ? withIds(state, { ...credentials, uid: r, euid: e, suid: s }, keep) : state;
    },
);

const setresgid = fc.tuple(uid, uid, uid).map(
  ([r, e, s]): Step =>
    (state) => {
      const { credentials, capabilities } = state;
      const own = [credentials.gid, credentials.egid, credentials.sgid];
      const allowed = (capabilities.effective & setgid) !== 0n || [r, e, s].every((id) => own.includes(id));
      return allowed ? { ...state, credentials: { ...credentials, gid: r, egid: e, sgid: s } } : state;
    },
);

const capset = fc.tuple(mask, mask, mask).map(
  ([p, e, i]): Step =>
    (state) => {
      const { capabilities: was } = state;
      const permitted = was.permitted & p;
      const limit = (was.effective & setpcap) === 0n ? was.inheritable | was.permitted : was.inheritable | was.bounding;
      const inheritable = i & limit & (was.inheritable | was.bounding);
      return { ...state, capabilities: { ...was, permitted, effective: permitted & e, inheritable } };
    },
);

const dropBounding = mask.map(
  (kept): Step =>
    (state) => {
      const { capabilities: was } = state;
      return (was.effective & setpcap) === 0n
        ? state
        : { ...state, capabilities: { ...was, bounding: was.bounding & kept } };
    },
);

const raiseAmbient = mask.map(
  (wanted): Step =>
    (state) => {
      const { capabilities: was } = state;
      return { ...state, capabilities: { ...was, ambient: was.ambient | (wanted & was.permitted & was.inheritable) } };
    },
);

const unshareUser: fc.Arbitrary<Step> = fc.constant((state) => ({
  ...state,
  capabilities: { permitted: all, effective: all, bounding: all, inheritable: 0n, ambient: 0n },
  userNamespace: state.userNamespace + 1,
  userLevel: state.userLevel + 1,
}));

/** Only what the ids of the namespace's maker allow: without CAP_SETUID outside, one's own. */
const inNamespace =
  (step: Step): Step =>
  (state) =>
    state.userLevel === 0 ? step(state) : state;

const sameNamespace = fc.oneof(setresuid, setresgid, capset, dropBounding, raiseAmbient);
const anyStep = fc.oneof(
  { weight: 6, arbitrary: sameNamespace.map(inNamespace) },
  { weight: 3, arbitrary: fc.oneof(capset, raiseAmbient, dropBounding) },
  { weight: 1, arbitrary: unshareUser },
);
const start = fc.constantFrom(
  root,
  user,
  privileges(ids(0), sets(all, { bounding: all })),
  privileges(ids(1000), sets(setuid | setgid)),
  privileges({ ...ids(1000), suid: 0 }, sets(docker)),
);

function run(state: HeldPrivileges, steps: readonly Step[]): HeldPrivileges {
  return steps.reduce((at, step) => step(at), state);
}

/** execve(2) of a program: P' = (P(inh) & F(inh)) | (F(perm) & bounding) | P'(ambient), with root's files full. */
function execute(
  state: HeldPrivileges,
  file: { owner: number | undefined; permitted: bigint; inheritable: bigint },
): { after: HeldPrivileges; exec: typeof plain } {
  const { credentials: was, capabilities: had } = state;
  const isSetuid = file.owner !== undefined;
  const euid = file.owner ?? was.euid;
  const isRoot = was.uid === 0 || euid === 0;
  const fileCapabilities = !isRoot && (file.permitted | file.inheritable) !== 0n;
  const ambient = isSetuid || fileCapabilities ? 0n : had.ambient;
  const fromFile = isRoot
    ? had.inheritable | had.bounding
    : (had.inheritable & file.inheritable) | (file.permitted & had.bounding);
  const permitted = fromFile | ambient;
  const secureExec = euid !== was.uid || (permitted & ~ambient) !== 0n;
  const effective = isRoot && euid !== 0 ? ambient : permitted;
  return {
    after: {
      ...state,
      credentials: { ...was, euid, suid: euid, egid: was.egid, sgid: was.egid },
      capabilities: { ...had, permitted, effective, ambient },
    },
    exec: { secureExec, setuid: isSetuid, setgid: false },
  };
}

describe('what the kernel allows', () => {
  it('never counts as growth, whatever the order', () => {
    fc.assert(
      fc.property(start, fc.array(anyStep, { maxLength: 12 }), (before, steps) => {
        expect(growthWithoutExec(before, run(before, steps))).toEqual([]);
      }),
      { numRuns: 3_000 },
    );
  });

  it('never counts as growth at the end of which is an execution', () => {
    const file = fc.record({
      owner: fc.option(uid, { nil: undefined }),
      permitted: fc.oneof(fc.constant(0n), mask),
      inheritable: fc.oneof(fc.constant(0n), mask),
    });
    fc.assert(
      fc.property(start, fc.array(sameNamespace, { maxLength: 12 }), file, (before, steps, program) => {
        const { after, exec } = execute(run(before, steps), program);
        expect(growthByExec(before, after, exec)).toEqual([]);
      }),
      { numRuns: 3_000 },
    );
  });

  it('is left by what an exploit sets, wherever the process came from', () => {
    fc.assert(
      fc.property(fc.array(sameNamespace, { maxLength: 12 }), (steps) => {
        const exploited = privileges(ids(0), sets(all, { bounding: all }));
        expect(growthWithoutExec(run(root, steps), exploited)).toContain('permitted');
      }),
    );
  });
});

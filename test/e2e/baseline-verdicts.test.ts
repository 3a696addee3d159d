import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compileBaseline } from '../../agent/baseline/compile-baseline.ts';
import { isCovered } from '../../collector/baseline/covers.ts';
import { type BaselineFact, factKeyOf } from '../../collector/baseline/fact.ts';
import { LearnedFacts } from '../../collector/baseline/learned-facts.ts';
import { Baseline, BaselineState } from '../../proto/generated/tallyman/v1/baseline.ts';

const program = fc.constantFrom('/bin/a', '/bin/b');
const anyProgram = fc.constantFrom('/bin/a', '/bin/b', '');
const transport = fc.constantFrom('tcp', 'udp');
const port = fc.constantFrom(53, 443);
const anyPort = fc.constantFrom(53, 443, 0);
const shape = fc.constantFrom('a -x', 'a -y', 'b -x');
const anyShape = fc.constantFrom('a -x', 'a *', 'b -x', '');
const name = fc.constantFrom('db.shop.svc', 'shop.svc', 'svc');
const anyName = fc.constantFrom('db.shop.svc', '*.shop.svc', '*.svc', 'svc');
const address = fc.constantFrom('10.1.2.3', '192.0.2.1', '2001:db8::1');
const anyAddress = fc.constantFrom('10.1.2.3', '10.0.0.0/8', '0.0.0.0/0', '2001:db8::/32');

type Of<K extends BaselineFact['kind']> = Extract<BaselineFact, { kind: K }>;
const executable = (parentPath: fc.Arbitrary<string>, argumentShape: fc.Arbitrary<string>) =>
  fc.record({ kind: fc.constant('executable' as const), path: program, parentPath, argumentShape });
const destination = (
  [names, addresses]: [fc.Arbitrary<string>, fc.Arbitrary<string>],
  ports: fc.Arbitrary<number>,
  programs: fc.Arbitrary<string>,
): fc.Arbitrary<Of<'destination'>> =>
  fc
    .record({ transport, port: ports, executablePath: programs, byName: fc.boolean(), name: names, address: addresses })
    .map(({ byName, name, address, ...rest }) => ({
      ...{ ...rest, kind: 'destination' },
      ...(byName ? { name, address: '' } : { name: '', address }),
    }));
const capability = (programs: fc.Arbitrary<string>) =>
  fc.record({
    kind: fc.constant('capability' as const),
    capabilityName: fc.constantFrom('CAP_CHOWN', 'CAP_NET_RAW'),
    executablePath: programs,
  });

const line: fc.Arbitrary<BaselineFact> = fc.oneof(
  executable(fc.constantFrom('', '/bin/a', '*'), anyShape),
  destination([anyName, anyAddress], anyPort, anyProgram),
  capability(anyProgram),
);
const seen: fc.Arbitrary<BaselineFact> = fc.oneof(
  executable(fc.constantFrom('', '/bin/a'), shape),
  destination([name, address], port, program),
  capability(program),
);

/** What the agent says of the same. */
function isExpected(lines: LearnedFacts, fact: BaselineFact): boolean {
  const baseline = compileBaseline(Baseline.fromPartial({ state: BaselineState.READY, ...lines.content() }));
  if ('refused' in baseline) throw new Error(baseline.refused);
  switch (fact.kind) {
    case 'executable': {
      const executed = { path: fact.path, parentPath: fact.parentPath, shape: fact.argumentShape };
      return baseline.executable(executed) === 'expected' && baseline.arguments(executed) === 'expected';
    }
    case 'destination': {
      const { name, address, ...rest } = fact;
      const names = name === '' ? [] : [name];
      const to = { ...rest, names, namesMayBeMissing: false, address: address || '203.0.113.1' };
      return baseline.destination(to) === 'expected';
    }
    case 'capability':
      return baseline.capability({ name: fact.capabilityName, executablePath: fact.executablePath }) === 'expected';
    case 'listen':
      return baseline.listen(fact) === 'expected';
  }
}

it('the collector lists as candidates exactly what agents find unexpected', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), seen, (lines, fact) => {
      const unseen = { reports: 0, firstSeenUnixMs: 0, lastSeenUnixMs: 0, lastInboxId: 0, containerId: '', note: '' };
      const unique = new Map(lines.map((one) => [factKeyOf(one), one]));
      const facts = new LearnedFacts(
        [...unique].map(([key, one]) => ({ key, fact: one, status: 'learned' as const, ...unseen })),
      );
      // An address behind a name is no line of its own: 0.0.0.0/0 holds it for agents, which know it.
      const hidden =
        fact.kind === 'destination' &&
        fact.name !== '' &&
        [...unique.values()].some((one) => 'address' in one && one.address === '0.0.0.0/0');
      if (!hidden) expect(isCovered(fact, facts.records)).toBe(isExpected(facts, fact));
    }),
    { numRuns: 2_000 },
  );
});

import { BlockList, isIP } from 'node:net';
import { anyParent, type BaselineFact, factKeyOf } from './fact.ts';
import type { FactRecord } from './fact-record.ts';

/** Suffixes of a name that are looked for as "*.suffix". */
const maxSuffixes = 32;

type Records = ReadonlyMap<string, FactRecord>;

/** Whether a line that says more than one thing ("*", any port, a network) makes a fact expected, as agents judge it. */
export function isCovered(fact: BaselineFact, records: Records): boolean {
  if (moreGeneral(fact).some((other) => isLearned(records.get(factKeyOf(other))))) return true;
  return fact.kind === 'destination' && fact.address !== '' && isInNetwork(fact, records);
}

function moreGeneral(fact: BaselineFact): BaselineFact[] {
  switch (fact.kind) {
    case 'executable': {
      const shapes = ['', `${fact.argumentShape.split(' ', 1)[0] ?? ''} *`, fact.argumentShape];
      const parents = [fact.parentPath, anyParent];
      return parents.flatMap((parentPath) => shapes.map((argumentShape) => ({ ...fact, parentPath, argumentShape })));
    }
    case 'destination':
      return namesOver(fact.name).flatMap((name) => anyProgramAndPort({ ...fact, name }));
    case 'listen':
      return [fact, { ...fact, executablePath: '' }];
    case 'capability':
      return [fact, { ...fact, executablePath: '' }];
  }
}

function namesOver(name: string): string[] {
  const labels = name.split('.');
  return [name, ...labels.slice(1, maxSuffixes).map((_, index) => `*.${labels.slice(index + 1).join('.')}`)];
}

function anyProgramAndPort(fact: Extract<BaselineFact, { kind: 'destination' }>): BaselineFact[] {
  const programs = [fact.executablePath, ''];
  return programs.flatMap((executablePath) => [fact.port, 0].map((port) => ({ ...fact, executablePath, port })));
}

function isInNetwork(fact: Extract<BaselineFact, { kind: 'destination' }>, records: Records): boolean {
  const family = isIP(fact.address) === 6 ? 'ipv6' : 'ipv4';
  for (const record of records.values()) {
    const line = record.fact;
    if (line.kind !== 'destination' || !line.address.includes('/') || !isLearned(record)) continue;
    if (line.transport !== fact.transport || (line.port !== 0 && line.port !== fact.port)) continue;
    if (line.executablePath !== '' && line.executablePath !== fact.executablePath) continue;
    const [network = '', bits = ''] = line.address.split('/');
    const list = new BlockList();
    list.addSubnet(network, Number(bits), isIP(network) === 6 ? 'ipv6' : 'ipv4');
    if (list.check(fact.address, family)) return true;
  }
  return false;
}

function isLearned(record: FactRecord | undefined): boolean {
  return record?.status === 'learned';
}

import { describe, expect, it } from 'vitest';
import { formatAlert } from '../format-alert.ts';
import { OcsfSchema } from './ocsf-schema.ts';
import { sampleAlert } from './sample-alert.ts';

const schema = new OcsfSchema();

// biome-ignore lint/suspicious/noExplicitAny: the tests break published JSON.
type Published = any;

describe('the schema check itself', () => {
  const broken: [string, (data: Published) => void, string][] = [
    ['an unknown attribute', (data) => Object.assign(data, { colour: 'red' }), 'colour: is not in the schema'],
    ['a missing one', (data) => Reflect.deleteProperty(data, 'metadata'), 'metadata: is missing'],
    ['a wrong type', (data) => Object.assign(data, { time: 'now' }), 'time: "now" is no timestamp_t'],
    ['a wrong enum', (data) => Object.assign(data, { severity_id: 44 }), 'severity_id: 44 is not in the enum'],
    ['a wrong caption', (data) => Object.assign(data, { severity: 'Low' }), 'severity_id: caption Low instead of'],
    ['a foreign profile', (data) => Object.assign(data, { trace: { uid: 'x' } }), 'trace: is not in the schema'],
    ['a profile not named', (data) => Object.assign(data.metadata, { profiles: [] }), 'needs the profile'],
    ['a nested attribute', (data) => Object.assign(data.evidences[0], { x: 1 }), 'evidences[0].x: is not in'],
    ['an empty endpoint', (data) => Object.assign(data.evidences[0], { dst_endpoint: {} }), 'needs one of'],
    ['a bad address', (data) => Object.assign(data.evidences[0], { dst_endpoint: { ip: 'x' } }), 'look like ip_t'],
  ];
  it.each(broken)('refuses %s', (_, breakIt, problem) => {
    const data = JSON.parse(formatAlert(sampleAlert()).cloudEvent).data;
    breakIt(data);
    expect(schema.validate(data).join('\n')).toContain(problem);
  });
});

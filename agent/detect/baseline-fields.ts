import type { EventKind } from './field-catalog.ts';
import { bool, type FieldInfo, text } from './field-info.ts';

const verdict = (what: string): FieldInfo =>
  text(`${what}: \`expected\`, \`unexpected\`, \`open\` (of a program that is still being learned) or \`unknown\`.`);

const head = {
  state: text(
    '`ready` (also where it is frozen), `learning`, `stale`, `incomplete`, or `unknown` where none has been told. Nothing is unexpected unless it is `ready`.',
  ),
  version: text('Which one it is: it changes with what is in it. Absent where there is none.'),
  frozen: bool('Nothing is learned any more.'),
};

const destination = verdict(
  'The program turns to this destination, by name, address or network, and port. Answers of a UDP server to its clients are expected',
);

/** Fields of `baseline` by kind of event: what the baseline of the container’s workload says of it. */
export const baselineFields = {
  Baseline: head,
  ExecBaseline: {
    ...head,
    executable: verdict('This program is executed by this parent; of busybox and toybox, this applet'),
    arguments: verdict(
      'Of an expected program, the shape of its arguments: options as they are, values by what they are, the path of a script',
    ),
  },
  CapabilityBaseline: { ...head, capability: verdict('The program uses this capability') },
  ConnectBaseline: { ...head, destination },
  TcpBaseline: {
    ...head,
    destination: { ...destination, doc: `${destination.doc} Of \`established\` and \`failed\`.` },
    listen: verdict('Of `listening`: the program listens on this port, or on any that the kernel chooses'),
  },
  BindBaseline: { ...head, listen: verdict('Of `udp`: the program has this port') },
} satisfies Record<string, Record<string, FieldInfo>>;

export type BaselineTypeName = keyof typeof baselineFields;

const baselineTypes: Partial<Record<EventKind, BaselineTypeName>> = {
  exec: 'ExecBaseline',
  capability: 'CapabilityBaseline',
  connect: 'ConnectBaseline',
  tcp: 'TcpBaseline',
  bind: 'BindBaseline',
};

/** Type of `baseline` by kind of event. */
export function baselineTypeOf(kind: EventKind): BaselineTypeName {
  return baselineTypes[kind] ?? 'Baseline';
}

/** Whether baselines say anything of events of this kind. */
export function hasBaselineFields(kind: EventKind): boolean {
  return baselineTypes[kind] !== undefined;
}

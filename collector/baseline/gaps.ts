import type { Gap } from '../../proto/generated/tallyman/v1/uplink.ts';

/** What is lost of these teaches nothing that is in a baseline. */
const needless: ReadonlySet<string> = new Set([
  ...[
    'finding',
    'executionEnded',
    'containerUpdate',
    'agentStatus',
    'execution-ended',
    'container-update',
    'agent-status',
  ],
  ...['file', 'syscall', 'integrity', 'namespace', 'unix-connect', 'unixConnected', 'namespaceChanged', 'fileChanged'],
  ...['unix-connected', 'namespace-changed', 'file-changed', 'accepted', 'resolved', 'dns', 'exit'],
]);

/** A loss that a baseline may lack facts for. */
export function isLearningLoss({ type, hop }: Gap): boolean {
  return hop !== 'publish' && !needless.has(type);
}

export function gapTextOf({ count, totalCount, type, reason, hop, containerIds }: Gap, nodeName: string): string {
  const lost = totalCount > count ? totalCount : count;
  const [containerId] = containerIds;
  const whose = containerId === undefined ? `node ${nodeName}` : `container ${containerId.slice(0, 12)}`;
  return `${lost} ${type} records of ${whose} were lost (${hop}: ${reason})`.slice(0, 512);
}

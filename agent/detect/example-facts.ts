import { type EventByExample, exampleChangedUnixNs, executionOfExample } from './example-event.ts';
import type { SentenceFacts } from './sentence-facts.ts';

/** What an example says of users and files, for its sentence; what is not given is not known. */
export function factsOfExample({ process, container }: Omit<EventByExample, 'on'>): SentenceFacts {
  const users = container?.users ?? {};
  const { writer, path, changedSecondsBefore } = process?.executable ?? {};
  const sinceNs = changedSecondsBefore === undefined ? undefined : BigInt(changedSecondsBefore) * 1_000_000_000n;
  return {
    userName: (_containerId, uid) => users[String(uid)],
    lastWrite: (containerId, writtenPath) => {
      if (writer === undefined || writtenPath !== path) return undefined;
      const executed = executionOfExample(process ?? {}, containerId, 'internal', 40);
      const execution = executionOfExample(writer, containerId, 'internal', 38);
      return { by: 'container', execution, ktimeNs: executed.execKtimeNs - (sinceNs ?? 0n) };
    },
    unixNs: () => (sinceNs === undefined ? undefined : exampleChangedUnixNs + sinceNs),
  };
}

/** What to do with a batch, given the highest contiguous number stored before it. */
export type SequenceVerdict = 'next' | 'duplicate' | 'gap';

/**
 * Batches are numbered from 1 per (agent, epoch) and stored in order only: a repeated one is dropped, one that skips a
 * number is refused, so that the agent sends again from the acknowledged number.
 */
export function judgeSequence(acknowledged: bigint, sequence: bigint): SequenceVerdict {
  if (sequence <= acknowledged) return 'duplicate';
  return sequence === acknowledged + 1n ? 'next' : 'gap';
}

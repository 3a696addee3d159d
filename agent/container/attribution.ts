import type { AttributedEvent } from '../detect/attributed-event.ts';
import { unknownRuntime } from './assumed-container.ts';
import type { Container } from './container.ts';
import { postureFacts } from './posture.ts';

const nothing: readonly string[] = [];
const withoutProcess: readonly string[] = ['process'];

/** Records are replaced and never changed, so what one lacks is found out once. */
const missingInRecord = new WeakMap<Container, readonly string[]>();

/** What is not known of who did it: "container", "image", "posture", "process". */
export function missingOf(container: Container, hasExecution: boolean): readonly string[] {
  let missing = missingInRecord.get(container);
  if (missing === undefined) {
    missing = missingInContainer(container);
    missingInRecord.set(container, missing);
  }
  if (hasExecution) return missing;
  return missing.length === 0 ? withoutProcess : [...missing, 'process'];
}

function missingInContainer(container: Container): readonly string[] {
  const missing: string[] = [];
  const { image, posture, runtime } = container;
  if (runtime === unknownRuntime) missing.push('container');
  const hasDigest = image !== undefined && (image.configDigest || image.targetDigest || image.repoDigests.length > 0);
  if (!hasDigest) missing.push('image');
  if (posture === undefined || posture.unknownFields.length === postureFacts.length) missing.push('posture');
  return missing.length === 0 ? nothing : missing;
}

export function attributionOf(missing: readonly string[], held: boolean): AttributedEvent['attribution'] {
  if (missing.length > 0) return 'partial';
  return held ? 'late' : 'complete';
}

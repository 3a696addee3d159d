import type { Contents, ContentsIndex } from '../contents.ts';
import { ContentsStore } from '../contents-store.ts';
import { encodeContentsNow } from '../encode.ts';

/** Contents ready for questions, in memory only. */
export function indexOf(contents: Contents): ContentsIndex {
  const store = new ContentsStore({ cache: undefined });
  return store.hold(['sha256:test'], contents.source, encodeContentsNow(contents));
}

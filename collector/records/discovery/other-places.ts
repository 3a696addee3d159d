import type { ImageQuery } from '../papers.ts';
import type { RegistryClient } from '../registry/client.ts';
import { isDigest } from '../registry/digest.ts';
import { type ImageReference, parseReference, repositoryText } from '../registry/reference.ts';
import { type Problem, toProblem } from './problem.ts';

/** Folders in the OCI layout that have the image, by the digests the runtime tells or, asked by name, by its full name. */
export async function layoutPlaces(
  query: ImageQuery,
  client: RegistryClient,
  problems: Problem[],
): Promise<ImageReference[]> {
  const digests = query.repoDigests.map((name) => name.slice(name.indexOf('@') + 1));
  const wanted = [...new Set([...digests, query.targetDigest, query.configDigest].filter(isDigest))];
  const own = ownName(query);
  const places: ImageReference[] = [];
  for (const layout of client.layouts) {
    try {
      const found = await layout.find(wanted);
      const named = query.byName && own?.tag !== undefined ? await layout.named(own.name, own.tag) : undefined;
      for (const digest of new Set([...found, ...(named === undefined ? [] : [named])]))
        places.push({
          registry: layout.registry,
          name: own?.name ?? 'unnamed',
          tag: undefined,
          digest,
          hasRegistry: true,
        });
    } catch (error) {
      problems.push(toProblem(error, layout.registry, 'a folder of images could not be asked'));
    }
  }
  return places.slice(0, 4);
}

function ownName({ repoDigests, reference }: ImageQuery): { name: string; tag: string | undefined } | undefined {
  try {
    const parsed = parseReference(repoDigests[0] ?? reference);
    return { name: repositoryText(parsed), tag: parsed.tag ?? (parsed.digest === undefined ? 'latest' : undefined) };
  } catch {
    return undefined;
  }
}

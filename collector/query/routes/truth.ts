import type { FastifyInstance } from 'fastify';
import type { ImageWatch } from '../../image-watch.ts';
import type { Store } from '../../store/store.ts';
import type { ImageTruth } from '../../truth/image-truth.ts';
import { HttpProblem, parseParameters } from '../problem.ts';
import { imageParameters, knownImageOf } from './images.ts';

/** Entries of a list that are answered; `total` says how many there are. */
const maxEntries = 1_000;

/** What an image declares, contains, and executed. */
export function truthRoutes(app: FastifyInstance, store: Store, images: Pick<ImageWatch, 'truthOf'>): void {
  app.get('/api/v1/images/:ref/truth', async (request) => {
    const { ref } = parseParameters(imageParameters, request.params);
    const query = knownImageOf(store, ref);
    const truth = query === undefined ? undefined : await images.truthOf(query);
    if (truth === undefined)
      throw new HttpProblem(
        404,
        'No such image',
        `no known container uses the image ${ref}, so nobody could look into it`,
      );
    return answerOf(truth);
  });
}

function answerOf({
  reference,
  imageKey,
  sbom,
  inventory,
  containedPackages,
  comparison,
  executed,
  running,
}: ImageTruth): object {
  const { outcome, reason, format, generator, documentDigest } = sbom;
  return {
    ...{ reference, digest: imageKey, containers: running },
    declared: { outcome, reason, format, generator, documentDigest, packages: comparison?.declaredPackages },
    contained: {
      inventory,
      packages: comparison?.containedPackages ?? containedPackages,
      incomplete: comparison?.incomplete || undefined,
    },
    executed: { programs: executed.programs, unlisted: listOf(executed.unlisted) },
    differences: comparison && {
      missingFromSbom: listOf(comparison.missingFromSbom),
      notInImage: listOf(comparison.notInImage),
      otherVersion: listOf(comparison.otherVersion),
      otherHash: listOf(comparison.otherHash),
      known: comparison.known,
    },
  };
}

function listOf(entries: readonly string[]): { total: number; entries: readonly string[] } {
  return { total: entries.length, entries: entries.slice(0, maxEntries) };
}

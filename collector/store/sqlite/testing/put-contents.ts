import { silentLogger } from '../../../../common/logger.ts';
import { Metrics } from '../../../../common/metrics.ts';
import type { Contents } from '../../../records/contents/contents.ts';
import { ContentsStore } from '../../../records/contents/contents-store.ts';
import { createSqliteStore } from '../sqlite-store.ts';

/** Process that stores contents of one image after the other, telling the digest of each, until it is killed. */
const store = createSqliteStore({
  ...{ file: process.argv[2] ?? '', logger: silentLogger, metrics: new Metrics('collector') },
});
const contents = new ContentsStore({ cache: store });

function image(number: number): Contents {
  const layerDigest = `sha256:${number}`;
  const files = Array.from({ length: 2_000 }, (_, at) => ({
    ...{
      path: `/usr/lib/own/file-${at}`,
      owners: [0],
      evidenceOf: [],
      layerDigest,
      linkTarget: undefined,
      mode: number,
    },
    digest: '',
  }));
  const own = {
    purl: '',
    name: 'own',
    version: `${number}`,
    type: 'deb',
    sourceName: undefined,
    sourceVersion: undefined,
  };
  return {
    ...{ source: 'inventory', listsAllFiles: true, usrMerge: 'links', incomplete: '', files },
    ...{ components: [{ ...own, layerDigest }], directories: new Map(), distributors: new Map() },
  };
}

for (let number = 0; process.connected; number++) {
  await contents.put([`sha256:${number}`], 'inventory', image(number));
  process.send?.(`sha256:${number}`);
}

/**
 * Makes test/fixtures/vulnerabilities from what Trivy, Grype and osv-scalibr publish with their sources: reports that the
 * programs themselves wrote, and their vectors of version order. Needs Go for its module proxy.
 *
 * node scripts/make-fixtures/vulnerabilities.ts
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const modules = {
  trivy: 'github.com/aquasecurity/trivy@v0.74.0',
  grype: 'github.com/anchore/grype@v0.121.2',
  scalibr: 'github.com/google/osv-scalibr@v0.5.3',
} as const;
const target = fileURLToPath(new URL('../../test/fixtures/vulnerabilities/', import.meta.url));

const directoryOf = (name: keyof typeof modules): string =>
  (JSON.parse(execFileSync('go', ['mod', 'download', '-json', modules[name]], { encoding: 'utf8' })) as { Dir: string })
    .Dir;
const directories = { trivy: directoryOf('trivy'), grype: directoryOf('grype'), scalibr: directoryOf('scalibr') };

/** Long texts that nothing reads are cut, so that the files stay small. */
function shortened(value: unknown): unknown {
  if (typeof value === 'string') return value.length > 400 ? `${value.slice(0, 80)}…` : value;
  if (Array.isArray(value)) return value.map(shortened);
  if (typeof value !== 'object' || value === null) return value;
  const dropped = [
    'References',
    'urls',
    'layers',
    'ImageConfig',
    'configuration',
    'cpes',
    'advisories',
    'manifest',
    'config',
  ];
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (dropped.includes(key) ? [] : [[key, shortened(inner)]])),
  );
}

function copy(from: string, to: string): void {
  writeFileSync(`${target}${to}`, `${JSON.stringify(shortened(JSON.parse(readFileSync(from, 'utf8'))))}\n`);
}

const trivyData = `${directories.trivy}/integration/testdata`;
const grypeData = `${directories.grype}/grype/presenter`;
mkdirSync(`${target}versions`, { recursive: true });
copy(`${trivyData}/alpine-310.json.golden`, 'trivy-alpine.json');
copy(`${trivyData}/debian-buster.json.golden`, 'trivy-debian.json');
copy(`${trivyData}/fixtures/convert/npm-with-suppressed.json.golden`, 'trivy-suppressed.json');
copy(`${trivyData}/alpine-310.sarif.golden`, 'trivy.sarif.json');
copy(`${trivyData}/fluentd-multiple-lockfiles-short.cdx.json.golden`, 'trivy-vdr.json');
copy(`${trivyData}/fixtures/vex/file/openvex.json`, 'openvex.json');
copy(`${grypeData}/explain/testdata/keycloak-test.json`, 'grype-keycloak.json');
copy(`${grypeData}/json/testdata/snapshot/TestJsonImgsPresenter.golden`, 'grype-image.json');
copy(`${grypeData}/sarif/testdata/snapshot/TestSarifPresenter_image.golden`, 'grype.sarif.json');
copy(`${grypeData}/cyclonedx/testdata/snapshot/TestCycloneDxPresenterImage.golden`, 'grype-vdr.json');

/** Hand-written vectors whole, of the generated ones every 25th. */
for (const ecosystem of ['alpine', 'debian', 'maven', 'pypi', 'redhat', 'rubygems', 'semver']) {
  const read = (suffix: string): string[] => {
    try {
      return readFileSync(`${directories.scalibr}/semantic/testdata/${ecosystem}-versions${suffix}.txt`, 'utf8').split(
        '\n',
      );
    } catch {
      return [];
    }
  };
  const isVector = (line: string): boolean => line.trim() !== '' && !/^(#|\/\/)/.test(line);
  const lines = [
    ...read('').filter(isVector),
    ...read('-generated')
      .filter(isVector)
      .filter((_line, at) => at % 25 === 0),
  ];
  writeFileSync(`${target}versions/${ecosystem}.txt`, `${lines.join('\n')}\n`);
}

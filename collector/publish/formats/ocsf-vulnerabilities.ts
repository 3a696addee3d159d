import type { Alert } from '../../decide/alert.ts';
import type { ImageVulnerability } from '../../records/vulnerability/model.ts';
import { showText } from './text.ts';

const severityNames: Readonly<Record<ImageVulnerability['severity'], string>> = {
  critical: 'Critical',
  high: 'High',
  medium: 'Medium',
  low: 'Low',
  negligible: 'Informational',
  unknown: 'Unknown',
};

/** https://schema.ocsf.io/1.8.0/objects/vulnerability: those of the acting program's package; undefined when there are none. */
export function ocsfVulnerabilities(alert: Alert): object[] | undefined {
  const { vulnerabilities = [], ownership } = alert.correlated;
  if (vulnerabilities.length === 0) return undefined;
  const path = ownership?.path;
  return vulnerabilities.map((found) => ({
    title: showText(found.id),
    severity: severityNames[found.severity],
    is_exploit_available: found.knownExploited === undefined ? undefined : true,
    is_fix_available: found.fixedVersions.length > 0,
    vendor_name: showText(found.severityFrom),
    desc: found.suppressed === undefined ? undefined : showText(`does not count: ${found.suppressed}`, 500),
    cve: found.id.startsWith('CVE-') ? cveOf(found) : undefined,
    advisory: found.id.startsWith('CVE-') ? undefined : { uid: showText(found.id) },
    affected_packages: [
      {
        name: showText(found.package.name),
        version: showText(found.package.version) || 'unknown',
        purl: showText(found.package.purl) || undefined,
        path: path === undefined ? undefined : showText(path),
        fixed_in_version: found.fixedVersions[0] === undefined ? undefined : showText(found.fixedVersions[0]),
      },
    ],
  }));
}

function cveOf({ id, cvss, epss }: ImageVulnerability): object {
  return {
    uid: showText(id),
    epss: epss === undefined ? undefined : { score: String(epss.score), percentile: epss.percentile },
    cvss:
      cvss === undefined
        ? undefined
        : [
            {
              base_score: cvss.score,
              version: cvss.version || 'unknown',
              vector_string: showText(cvss.vector) || undefined,
            },
          ],
  };
}

/** The identifiers of https://spdx.org/licenses/ that packages carry most; another text is written as a name. */
const identifiers = new Set(
  `0BSD AFL-2.1 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 Artistic-1.0 Artistic-2.0 BlueOak-1.0.0 BSD-1-Clause
  BSD-2-Clause BSD-3-Clause BSD-4-Clause BSL-1.0 bzip2-1.0.6 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 CDDL-1.0
  CDDL-1.1 curl ECL-2.0 EPL-1.0 EPL-2.0 EUPL-1.2 FTL GFDL-1.2-only GFDL-1.2-or-later GFDL-1.3-only GFDL-1.3-or-later
  GPL-1.0-only GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later HPND ICU IJG ISC LGPL-2.0-only
  LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later Libpng libtiff MIT MIT-0 MPL-1.1 MPL-2.0
  MPL-2.0-no-copyleft-exception MS-PL MulanPSL-2.0 NCSA NTP OFL-1.1 OpenSSL PHP-3.01 PostgreSQL PSF-2.0 Python-2.0
  Python-2.0.1 Ruby SHL-0.51 Sleepycat TCL UPL-1.0 Unicode-3.0 Unicode-DFS-2016 Unlicense Vim W3C WTFPL X11 Zend-2.0 Zlib
  ZPL-2.0 ZPL-2.1`.split(/\s+/),
);
const exceptions = new Set(
  `Autoconf-exception-2.0 Autoconf-exception-3.0 Bison-exception-2.2 Classpath-exception-2.0 Font-exception-2.0
  GCC-exception-2.0 GCC-exception-3.1 Linux-syscall-note LLVM-exception OpenSSL-exception`.split(/\s+/),
);

export function isSpdxIdentifier(text: string): boolean {
  return identifiers.has(text);
}

/** Identifiers joined by AND, OR and WITH, with parentheses: https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/ */
export function isSpdxExpression(text: string): boolean {
  const tokens = text.match(/[()]|[^\s()]+/g) ?? [];
  let depth = 0;
  let wantsLicense = true;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (wantsLicense) {
      if (token === '(') depth++;
      else if (identifiers.has(token)) wantsLicense = false;
      else return false;
    } else if (token === ')') {
      if (--depth < 0) return false;
    } else if (token === 'WITH') {
      if (!identifiers.has(tokens[at - 1]!) || !exceptions.has(tokens[++at] ?? '')) return false;
    } else if (token === 'AND' || token === 'OR') wantsLicense = true;
    else return false;
  }
  return !wantsLicense && depth === 0;
}

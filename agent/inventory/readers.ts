import type { PackageReader } from './image-tree.ts';
import { apkReader } from './readers/apk.ts';
import { cargoReader } from './readers/cargo.ts';
import { dpkgReader } from './readers/dpkg.ts';
import { gemReader } from './readers/gem.ts';
import { goReader } from './readers/go.ts';
import { jarReader } from './readers/jar.ts';
import { npmReader } from './readers/npm.ts';
import { pypiReader } from './readers/pypi.ts';
import { rpmReader } from './readers/rpm.ts';

/** In this order: where several packages claim a file, the distribution's come first. */
export const packageReaders: readonly PackageReader[] = [
  dpkgReader,
  apkReader,
  rpmReader,
  npmReader,
  pypiReader,
  gemReader,
  jarReader,
  goReader,
  cargoReader,
];

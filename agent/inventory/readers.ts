import type { PackageReader } from './image-tree.ts';
import { cargoReader } from './readers/cargo.ts';
import { dpkgReader } from './readers/dpkg.ts';
import { gemReader } from './readers/gem.ts';
import { goReader } from './readers/go.ts';
import { jarReader } from './readers/jar.ts';
import { npmReader } from './readers/npm.ts';
import { pypiReader } from './readers/pypi.ts';

/** In this order: where several packages claim a file, the distribution's come first. */
export const packageReaders: readonly PackageReader[] = [
  dpkgReader,
  npmReader,
  pypiReader,
  gemReader,
  jarReader,
  goReader,
  cargoReader,
];

import { test } from 'vitest';
import { gemReader } from '../../agent/inventory/readers/gem.ts';
import { expectSturdy } from './inventory-lab.ts';

const gemspec = (name: string): string =>
  `Gem::Specification.new do |s|\n  s.name = "${name}".freeze\n  s.version = Gem::Version.new("1.0")\n  s.licenses = ["MIT".freeze]\nend\n`;

test('gemspec in any shape', () =>
  expectSturdy(
    gemReader,
    Buffer.from(gemspec('rack')),
    (mutated) => [
      ['/g/specifications/rack-1.0.gemspec', mutated],
      ['/g/specifications/sound-1.0.gemspec', gemspec('sound')],
      ['/g/gems/rack-1.0/rack.rb', ''],
    ],
    'pkg:gem/sound@1.0',
  ));

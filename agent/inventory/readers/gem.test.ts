import { expect, test } from 'vitest';
import { readMemory } from '../../../test/support/memory-tree.ts';
import { gemReader } from './gem.ts';

const gemspec = (name: string, version: string): string =>
  `# -*- encoding: utf-8 -*-
# stub: ${name} ${version} ruby lib

Gem::Specification.new do |s|
  s.name = "${name}".freeze
  s.version = "${version}"
  s.required_rubygems_version = Gem::Requirement.new(">= 0".freeze) if s.respond_to? :required_rubygems_version=
  s.licenses = ["MIT".freeze, "Ruby".freeze]
end
`;

test('installed and default gems, with the directory of those that have one', async () => {
  const { packages, problems } = await readMemory(gemReader, [
    ['/var/lib/gems/3.1.0/specifications/rack-2.2.4.gemspec', gemspec('rack', '2.2.4')],
    ['/var/lib/gems/3.1.0/gems/rack-2.2.4/lib/rack.rb', ''],
    ['/usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1.gemspec', gemspec('json', '2.6.1')],
    ['/var/lib/gems/3.1.0/gems/rack-2.2.4/rack.gemspec', gemspec('rack', '2.2.4')],
    ['/var/lib/gems/3.1.0/specifications/ffi-1.0-x86_64-linux.gemspec', gemspec('ffi', '1.0')],
    ['/var/lib/gems/3.1.0/gems/ffi-1.0-x86_64-linux/lib/ffi.rb', ''],
  ]);
  expect(problems).toEqual([]);
  expect(packages.map(({ purl, directories }) => [purl, directories])).toEqual([
    ['pkg:gem/rack@2.2.4', ['/var/lib/gems/3.1.0/gems/rack-2.2.4']],
    ['pkg:gem/json@2.6.1', []],
    ['pkg:gem/ffi@1.0', ['/var/lib/gems/3.1.0/gems/ffi-1.0-x86_64-linux']],
  ]);
  expect(packages[0]?.licenses).toEqual(['MIT', 'Ruby']);
});

test('a specification without a name is a problem', async () => {
  const { packages, problems } = await readMemory(gemReader, [['/g/specifications/x-1.gemspec', 's.version = "1"']]);
  expect(packages).toEqual([]);
  expect(problems.map(({ code }) => code)).toEqual(['malformed']);
});

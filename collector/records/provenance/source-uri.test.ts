import { expect, it } from 'vitest';
import { sourceLocation, workflowPath } from './source-uri.ts';

it.each([
  ['git+https://github.com/acme/app@refs/tags/v1', 'https://github.com/acme/app', 'refs/tags/v1'],
  ['git+https://GitHub.com/acme/app.git', 'https://github.com/acme/app', undefined],
  ['https://github.com/acme/app.git#refs/heads/main:sub', 'https://github.com/acme/app', 'refs/heads/main'],
  ['https://user:secret@github.com/acme/app/', 'https://github.com/acme/app', undefined],
  ['https://github.com/acme/../evil/app', 'https://github.com/evil/app', undefined],
  ['git@github.com:acme/app.git', 'ssh://github.com/acme/app', undefined],
])('reads %s', (uri, repository, ref) => {
  expect(sourceLocation(uri)).toEqual({ repository, ref });
});

it.each([
  '',
  'acme/app',
  'file:///etc',
  'https://github.com',
  'https://github.com/acme/app?x=1',
  'https://github.com/a%2fb',
  'https://evil\\@github.com/a',
])('compares nothing with %j', (uri) => expect(sourceLocation(uri)).toBeUndefined());

it('takes the repository and the ref off a workflow', () => {
  expect(workflowPath('https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1')).toBe(
    '.github/workflows/release.yml',
  );
  expect(workflowPath('.github/workflows/release.yml')).toBe('.github/workflows/release.yml');
});

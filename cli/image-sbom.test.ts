import { expect, test } from 'vitest';
import { Refusal, startFakeApi } from './test-support/fake-api.ts';
import { runCli } from './test-support/run-cli.ts';

test('tallyman image --sbom writes the document and nothing else', async () => {
  const api = await startFakeApi({ '/api/v1/images/app%3A1/sbom': '{"spdxVersion":"SPDX-2.3"}\n' });
  try {
    const result = await runCli(['image', 'app:1', '--sbom', 'spdx', '--api', api.url]);
    expect(result).toMatchObject({ code: 0, stdout: '{"spdxVersion":"SPDX-2.3"}\n', stderr: '' });
    expect(api.requests).toEqual(['/api/v1/images/app%3A1/sbom?format=spdx']);
  } finally {
    await api.close();
  }
});

test('tallyman image --sbom says why there is none', async () => {
  const api = await startFakeApi({ '/api/v1/images/app%3A1/sbom': new Refusal(404, 'there is no inventory of app:1') });
  try {
    const result = await runCli(['image', 'app:1', '--sbom', 'cyclonedx', '--api', api.url]);
    expect(result.code).not.toBe(0);
    expect(result.stdout).toBe('');
    expect(result.stderr).toContain('there is no inventory of app:1');
    expect((await runCli(['image', 'app:1', '--sbom', 'xml', '--api', api.url])).code).toBe(2);
  } finally {
    await api.close();
  }
});

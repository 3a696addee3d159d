import { describe, expect, it } from 'vitest';
import { imagePage } from './image-page.ts';
import { createScreen } from './style.ts';

const screen = createScreen({ columns: 140, colours: false, terminal: true, utc: true });
const page = (answer: object): string => imagePage({ checkedAt: '2026-11-24T00:00:00Z', ...answer }, screen).join('\n');
const clause = (name: string, outcome: string, found: string, expected: string[] = []) => ({
  ...{ name, outcome, found, expected },
  reason: `expected ${expected.join(' or ')}, found ${found}, from certificate OID .12`,
});

describe('the page of an image', () => {
  it('shows clauses that hold beside each other, and each that does not with its reason', () => {
    const clauses = [
      clause('builder', 'verified', 'https://ci.example/release.yml', ['https://ci.example/*']),
      clause('source', 'untrusted', 'https://github.com/evil/app', ['github.com/acme/*']),
      clause('ref', 'verified', 'refs/tags/v1', ['refs/tags/v*']),
      clause('workflow', 'unknown', '.github/workflows/a.yml'),
    ];
    const text = page({
      provenance: { outcome: 'untrusted', reason: 'not ours', clauses, claim: { commit: '4be1c2d' } },
    });
    expect(text).toContain(
      '✔\u00a0builder https://ci.example/release.yml   ✔\u00a0ref refs/tags/v1'.replaceAll('\u00a0', ' '),
    );
    expect(text).toContain(
      '▲ source: untrusted, expected github.com/acme/*, found https://github.com/evil/app, from certificate OID .12',
    );
    expect(text).toMatch(/\? workflow \.github\/workflows\/a\.yml {3}\(no expectation\)/);
  });

  it('shows the base with its age, how far it is behind, and what else has its layers', () => {
    const text = page({
      base: {
        ...{ outcome: 'verified', reason: 'approved, from its layers', method: 'layers', layerCount: 1 },
        names: ['docker.io/library/debian:12-slim', 'docker.io/library/debian:12.8-slim'],
        ...{ createdAt: '2026-09-25T00:00:00Z', newestCreatedAt: '2026-11-05T00:00:00Z' },
      },
    });
    expect(text).toMatch(
      /base +✔ verified {2}docker\.io\/library\/debian:12-slim {2}approved, from its layers {2}1 layer/,
    );
    expect(text.replace(/\s+/g, ' ')).toContain(
      '60 days old 41 days behind same layers: docker.io/library/debian:12.8-slim',
    );
  });

  it('escapes what is hostile', () => {
    const text = page({
      provenance: { outcome: 'invalid', clauses: [clause('source', 'untrusted', '\u001b[2Jx', ['a'])] },
    });
    expect(text).not.toContain('\u001b');
  });
});

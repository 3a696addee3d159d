import { shortDigest } from './alert-view.ts';
import { escapeDeep } from './escape-deep.ts';
import { at, textAt } from './json-path.ts';
import type { OutcomeWord } from './outcome.ts';
import { outcomeOf, outcomeTone, outcomeWord } from './outcome.ts';
import type { Screen } from './style.ts';
import { renderTable } from './table.ts';

export interface ContainerRow {
  name: string;
  namespace: string;
  state: string;
  /** "containerd" */
  runtime: string;
  node: string;
  image: string;
  signature: OutcomeWord;
  id: string;
}

/** Joins what GET /api/v1/containers and /api/v1/images answer. An image nobody looked at yet is unknown. */
export function containerRows(containers: readonly unknown[], images: readonly unknown[]): ContainerRow[] {
  const signatures = new Map(images.map((image) => [imageKey(image), textAt(image, 'papers', 'signature')]));
  return containers.map((container) => {
    const shown = escapeDeep(container);
    const pod = textAt(shown, 'container', 'podName');
    const name = textAt(shown, 'name') ?? '?';
    return {
      name: pod === undefined ? name : `${pod}/${name}`,
      namespace: textAt(shown, 'namespace') ?? '',
      state: textAt(shown, 'state') ?? 'unknown',
      runtime: textAt(shown, 'container', 'runtime') ?? '?',
      node: textAt(shown, 'nodeName') ?? '?',
      image: textAt(shown, 'image') ?? shortDigest(textAt(shown, 'container', 'image', 'configDigest') ?? 'not known'),
      signature: outcomeOf(signatures.get(imageKey(at(container, 'container', 'image')))),
      id: (textAt(shown, 'id') ?? '').slice(0, 12),
    };
  });
}

/** Whether it only holds the namespaces of a pod. */
export function isSandbox(container: unknown): boolean {
  return at(container, 'container', 'sandbox') === true;
}

/** The most exact digest there is, as the collector groups images. */
function imageKey(image: unknown): string {
  return (
    textAt(image, 'targetDigest') ??
    textAt(image, 'repoDigests', 0) ??
    textAt(image, 'configDigest') ??
    textAt(image, 'reference') ??
    ''
  );
}

export function containerTable(rows: readonly ContainerRow[], screen: Screen): string[] {
  return renderTable(
    [
      { title: 'NAME', text: (row: ContainerRow) => row.name, flexible: true },
      { title: 'NAMESPACE', text: (row: ContainerRow) => row.namespace, flexible: true },
      { title: 'STATE', text: (row: ContainerRow) => row.state },
      { title: 'RUNTIME', text: (row: ContainerRow) => row.runtime },
      { title: 'NODE', text: (row: ContainerRow) => row.node, flexible: true },
      {
        title: 'SIGNATURE',
        text: (row: ContainerRow) => outcomeWord(row.signature),
        paint: (shown: string, row: ContainerRow) => screen.paint(outcomeTone(row.signature), shown),
      },
      { title: 'IMAGE', text: (row: ContainerRow) => row.image, flexible: true },
      { title: 'ID', text: (row: ContainerRow) => row.id },
    ],
    rows,
    screen,
  );
}

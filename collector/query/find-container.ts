import type { Store, StoredContainer } from '../store/store.ts';
import { HttpProblem } from './problem.ts';

/** The one container that an id, an id prefix or a name fits. @throws {HttpProblem} 404, 409 */
export function findContainer(store: Pick<Store, 'findContainers'>, question: string): StoredContainer {
  const found = store.findContainers(question, 16);
  const [only] = found;
  if (only === undefined)
    throw new HttpProblem(404, 'No such container', `no container has the id, id prefix or name "${question}"`);
  if (found.length > 1)
    throw new HttpProblem(409, 'Ambiguous container', `"${question}" fits more than one container`, {
      containers: found.map(({ nodeName, container }) => ({ nodeName, id: container.id, name: container.name })),
    });
  return only;
}

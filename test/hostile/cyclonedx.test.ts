import { readFixture } from '../support/push-papers.ts';
import { survivesMutations } from './sbom-documents.ts';

survivesMutations(readFixture('documents/cyclonedx-json.json'));

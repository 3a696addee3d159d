import type Database from 'better-sqlite3';
import type { Pruned } from '../store.ts';
import { AlertTable } from './alert-table.ts';
import { BaselineTable } from './baseline-table.ts';
import { DocumentTable, PapersTable } from './cache-tables.ts';
import { ContainerTable } from './container-table.ts';
import { ContentsTables } from './contents-tables.ts';
import { DecisionTable } from './decision-table.ts';
import { GapTable } from './gap-table.ts';
import { IdentityTable } from './identity-table.ts';
import { ImageFindingTable } from './image-finding-table.ts';
import { InboxTable } from './inbox-table.ts';
import { InventoryWorkTable } from './inventory-work-table.ts';
import { KnownImageTable } from './known-image-table.ts';
import { NodeTable } from './node-table.ts';
import { ObservationTable } from './observation-table.ts';
import { RepeatsTable } from './repeats-table.ts';
import { UploadTable } from './upload-table.ts';

export interface StoreBounds {
  maxAlerts: number;
  maxAlertAgeMs: number;
  maxContainers: number;
  exitedContainerKeptMs: number;
  maxObservationsPerContainer: number;
  maxObservations: number;
  maxPapers: number;
  maxKnownImages: number;
  maxIdentities: number;
  maxDocumentBytes: number;
  maxDocumentsBytes: number;
  /** Contents of images, an SBOM and an inventory of the same image counted apart. */
  maxContents: number;
  /** Sum of the compressed sizes of what they are made of. */
  maxContentsBytes: number;
  maxNodes: number;
  maxGaps: number;
  maxGapAgeMs: number;
  maxImageFindings: number;
  maxInventoryWork: number;
  /** How long an agent may be away before its batch numbering is forgotten. */
  sourceKeptMs: number;
  /** Size of the database file, without its write-ahead log. */
  maxDatabaseBytes: number;
}

const dayMs = 24 * 60 * 60 * 1000;
const mebibyte = 1024 * 1024;

export const defaultStoreBounds: StoreBounds = {
  maxAlerts: 100_000,
  maxAlertAgeMs: 30 * dayMs,
  maxContainers: 50_000,
  exitedContainerKeptMs: dayMs,
  maxObservationsPerContainer: 2_000,
  maxObservations: 1_000_000,
  maxPapers: 10_000,
  maxKnownImages: 100_000,
  maxIdentities: 50_000,
  maxDocumentBytes: 64 * mebibyte,
  maxDocumentsBytes: 1024 * mebibyte,
  maxContents: 25_000,
  maxContentsBytes: 3 * 1024 * mebibyte,
  maxNodes: 5_000,
  maxGaps: 20_000,
  maxGapAgeMs: 30 * dayMs,
  maxImageFindings: 200_000,
  maxInventoryWork: 100_000,
  sourceKeptMs: 7 * dayMs,
  maxDatabaseBytes: 8 * 1024 * mebibyte,
};

export interface Tables {
  inbox: InboxTable;
  alerts: AlertTable;
  repeats: RepeatsTable;
  decisions: DecisionTable;
  containers: ContainerTable;
  observations: ObservationTable;
  nodes: NodeTable;
  gaps: GapTable;
  imageFindings: ImageFindingTable;
  inventoryWork: InventoryWorkTable;
  papers: PapersTable;
  documents: DocumentTable;
  knownImages: KnownImageTable;
  contents: ContentsTables;
  identities: IdentityTable;
  baselines: BaselineTable;
  uploads: UploadTable;
}

export function openTables(database: Database.Database, bounds: StoreBounds): Tables {
  return {
    inbox: new InboxTable(database),
    alerts: new AlertTable(database),
    repeats: new RepeatsTable(database),
    decisions: new DecisionTable(database),
    containers: new ContainerTable(database),
    observations: new ObservationTable(database, bounds.maxObservationsPerContainer),
    nodes: new NodeTable(database),
    gaps: new GapTable(database),
    imageFindings: new ImageFindingTable(database),
    inventoryWork: new InventoryWorkTable(database),
    papers: new PapersTable(database),
    documents: new DocumentTable(database, bounds),
    knownImages: new KnownImageTable(database),
    contents: new ContentsTables(database, bounds),
    identities: new IdentityTable(database),
    baselines: new BaselineTable(database),
    uploads: new UploadTable(database),
  };
}

export function prune(tables: Tables, bounds: StoreBounds, nowUnixMs: number): Pruned {
  return {
    ...tables.alerts.prune(nowUnixMs - bounds.maxAlertAgeMs, bounds.maxAlerts),
    containers: tables.containers.prune(nowUnixMs - bounds.exitedContainerKeptMs, bounds.maxContainers),
    observations: tables.observations.prune(nowUnixMs - bounds.exitedContainerKeptMs, bounds.maxObservations),
    papers: tables.papers.prune(bounds.maxPapers),
    documents: tables.documents.prune(),
    knownImages: tables.knownImages.prune(bounds.maxKnownImages),
    contents: tables.contents.prune(),
    identities: tables.identities.prune(bounds.maxIdentities),
    sources: tables.inbox.pruneSources(nowUnixMs - bounds.sourceKeptMs),
    nodes: tables.nodes.prune(nowUnixMs - bounds.sourceKeptMs, bounds.maxNodes),
    gaps: tables.gaps.prune(nowUnixMs - bounds.maxGapAgeMs, bounds.maxGaps),
    imageFindings: tables.imageFindings.prune(bounds.maxImageFindings),
    inventoryWork: tables.inventoryWork.prune(bounds.maxInventoryWork),
  };
}
